#include "server/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

or_status_t or_transport_open(or_transport_t *transport, int descriptor, or_tls_t *tls) {
  *transport = (or_transport_t){.descriptor = descriptor};
  if (tls == NULL) return or_status_success();
  transport->ssl = SSL_new(tls);
  if (transport->ssl != NULL && SSL_set_fd(transport->ssl, descriptor) == 1) {
    SSL_set_accept_state(transport->ssl);
    return or_status_success();
  }
  or_transport_close(transport);
  ERR_clear_error();
  return or_error(OR_RESOURCE_EXHAUSTED, "no memory for a TLS connection");
}

void or_transport_close(or_transport_t *transport) {
  SSL_free(transport->ssl);
  transport->ssl = NULL;
  if (transport->descriptor >= 0) (void)close(transport->descriptor);
  transport->descriptor = -1;
}

/* What a result of SSL_read or SSL_write that is no success means. */
static long ssl_result(or_transport_t *transport, int result, bool reading) {
  int error = SSL_get_error(transport->ssl, result);
  ERR_clear_error();
  transport->read_wants_write = reading && error == SSL_ERROR_WANT_WRITE;
  transport->write_wants_read = !reading && error == SSL_ERROR_WANT_READ;
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? OR_TRANSPORT_AGAIN : OR_TRANSPORT_ENDED;
}

static int bounded(size_t length) { return length < (1u << 30) ? (int)length : 1 << 30; }

static long socket_result(ssize_t count) {
  if (count > 0) return (long)count;
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) ? OR_TRANSPORT_AGAIN
                                                                                  : OR_TRANSPORT_ENDED;
}

long or_transport_read(or_transport_t *transport, char *data, size_t room) {
  if (transport->ssl == NULL) return socket_result(recv(transport->descriptor, data, room, 0));
  int count = SSL_read(transport->ssl, data, bounded(room));
  if (count <= 0) return ssl_result(transport, count, true);
  transport->read_wants_write = false;
  return count;
}

long or_transport_write(or_transport_t *transport, const char *data, size_t length) {
  if (transport->ssl == NULL) return socket_result(send(transport->descriptor, data, length, MSG_NOSIGNAL));
  int count = SSL_write(transport->ssl, data, bounded(length));
  if (count <= 0) return ssl_result(transport, count, false);
  transport->write_wants_read = false;
  return count;
}

bool or_transport_has_pending(const or_transport_t *transport) {
  return transport->ssl != NULL && SSL_pending(transport->ssl) > 0;
}

void or_transport_finish(or_transport_t *transport) {
  if (transport->ssl != NULL) {
    (void)SSL_shutdown(transport->ssl);
    ERR_clear_error();
  }
  (void)shutdown(transport->descriptor, SHUT_WR);
}
