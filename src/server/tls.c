#include "server/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <stdio.h>

#include "base/string.h"

/* What OpenSSL says about its first failure; ends its queue of errors. */
static const char *reason(void) {
  unsigned long error = ERR_peek_error();
  const char *words = error != 0 ? ERR_reason_error_string(error) : NULL;
  ERR_clear_error();
  return words != NULL ? words : "it can't be read";
}

/* A file that can't be taken: it can't be opened, or is no PEM file of that kind. */
static or_status_t refuse_file(const char *what, const char *path, const char *kind) {
  char text[128];
  FILE *file = fopen(path, "re");
  const int error = errno;
  if (file == NULL) {
    ERR_clear_error();
    return or_error(OR_FAILED_PRECONDITION, "TLS %s \"%s\" can't be opened: %s", what, path,
                    or_errno_text(error, text, sizeof text));
  }
  (void)fclose(file);
  return or_error(OR_FAILED_PRECONDITION, "TLS %s \"%s\": %s; it must be a PEM file with %s", what, path, reason(),
                  kind);
}

static or_status_t load(SSL_CTX *context, const char *certificate, const char *key) {
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1)
    return or_error(OR_FAILED_PRECONDITION, "TLS 1.2: %s", reason());
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1)
    return refuse_file("certificate", certificate, "the certificate, then those of its authorities");
  if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
    const unsigned long error = ERR_peek_error();
    if (ERR_GET_LIB(error) != ERR_LIB_X509 || ERR_GET_REASON(error) != X509_R_KEY_VALUES_MISMATCH)
      return refuse_file("key", key, "a private key without a password");
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return or_error(OR_FAILED_PRECONDITION, "TLS key \"%s\" does not belong to the certificate \"%s\"", key,
                    certificate);
  }
  (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  (void)SSL_CTX_set_options(context,
                            SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  return or_status_success();
}

or_status_t or_tls_load(const char *certificate, const char *key, or_tls_t **out) {
  *out = NULL;
  SSL_CTX *context = SSL_CTX_new(TLS_server_method());
  if (context == NULL) return or_error(OR_RESOURCE_EXHAUSTED, "TLS: %s", reason());
  or_status_t status = load(context, certificate, key);
  if (or_ok(status)) {
    *out = context;
  } else {
    SSL_CTX_free(context);
  }
  return status;
}

or_tls_t *or_tls_retain(or_tls_t *tls) {
  if (tls != NULL) (void)SSL_CTX_up_ref(tls);
  return tls;
}

void or_tls_release(or_tls_t *tls) { SSL_CTX_free(tls); }
