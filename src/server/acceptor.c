#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/string.h"
#include "server/net_internal.h"

#define BACKLOG 1024
#define ACCEPTS_PER_EVENT 64

/* Belongs to the acceptor's thread once that runs, but for `tls`. */
typedef struct or_acceptor_t or_acceptor_t;
struct or_acceptor_t {
  or_net_t *net;
  uv_loop_t uv;
  or_thread_t thread;
  or_mailbox_t mailbox;
  or_mail_t stop_mail;
  struct {
    uv_poll_t poll;
    int descriptor;
    bool is_unix;
  } listeners[OR_NET_MAX_LISTENERS];
  size_t listener_count;
  int port;
  dev_t socket_device; /* of the Unix socket's file */
  ino_t socket_file;
  int spare; /* a descriptor that is given up to accept and refuse when there is no other */
  or_mutex_t mutex;
  or_tls_t *tls; /* under `mutex` */
};

static void acceptor_main(void *argument);
static void on_stop(or_mail_t *mail);
static void on_connection(uv_poll_t *poll, int status, int events);
static or_status_t listen_tcp(or_acceptor_t *acceptor);
static or_status_t listen_unix(or_acceptor_t *acceptor);

static or_status_t poll_listeners(or_acceptor_t *acceptor) {
  for (size_t i = 0; i < acceptor->listener_count; ++i) {
    uv_poll_t *poll = &acceptor->listeners[i].poll;
    int error = uv_poll_init_socket(&acceptor->uv, poll, acceptor->listeners[i].descriptor);
    if (error == 0) error = uv_poll_start(poll, UV_READABLE, on_connection);
    poll->data = acceptor;
    if (error != 0) return or_error(OR_RESOURCE_EXHAUSTED, "a listening socket: %s", uv_strerror(error));
  }
  return or_status_success();
}

/* The file that this server made, not one that has taken its place. */
static void remove_socket(const or_acceptor_t *acceptor) {
  const char *path = acceptor->net->options.unix_path;
  struct stat info;
  if (lstat(path, &info) == 0 && info.st_dev == acceptor->socket_device && info.st_ino == acceptor->socket_file)
    (void)unlink(path);
}

static void close_listeners(or_acceptor_t *acceptor) {
  for (size_t i = 0; i < acceptor->listener_count; ++i) {
    if (acceptor->listeners[i].poll.loop != NULL) uv_close((uv_handle_t *)&acceptor->listeners[i].poll, NULL);
    (void)close(acceptor->listeners[i].descriptor);
    if (acceptor->listeners[i].is_unix) remove_socket(acceptor);
  }
  acceptor->listener_count = 0;
}

static void keep_spare(or_acceptor_t *acceptor) { acceptor->spare = open("/dev/null", O_RDONLY | O_CLOEXEC); }

static void free_acceptor(or_acceptor_t *acceptor) {
  if (acceptor->spare >= 0) (void)close(acceptor->spare);
  or_tls_release(acceptor->tls);
  or_mutex_deinit(&acceptor->mutex);
  or_free(acceptor->net->allocator, acceptor);
}

or_status_t or_acceptor_start(or_net_t *net) {
  void *memory = NULL;
  or_status_t status = or_alloc_zeroed(net->allocator, sizeof(or_acceptor_t), &memory);
  if (!or_ok(status)) return status;
  or_acceptor_t *acceptor = memory;
  acceptor->net = net;
  acceptor->stop_mail.run = on_stop;
  acceptor->tls = or_tls_retain(net->options.tls);
  keep_spare(acceptor);
  or_mutex_init(&acceptor->mutex);
  int error = uv_loop_init(&acceptor->uv);
  if (error != 0) {
    free_acceptor(acceptor);
    return or_error(OR_RESOURCE_EXHAUSTED, "an event loop: %s", uv_strerror(error));
  }
  status = or_mailbox_init(&acceptor->mailbox, &acceptor->uv);
  bool has_mailbox = or_ok(status);
  if (or_ok(status) && net->options.host != NULL) status = listen_tcp(acceptor);
  if (or_ok(status) && net->options.unix_path != NULL) status = listen_unix(acceptor);
  if (or_ok(status)) status = poll_listeners(acceptor);
  if (or_ok(status)) status = or_thread_start(&acceptor->thread, "or-accept", acceptor_main, acceptor);
  if (or_ok(status)) {
    net->acceptor = acceptor;
    return status;
  }
  close_listeners(acceptor);
  if (has_mailbox) or_mailbox_close(&acceptor->mailbox);
  (void)uv_run(&acceptor->uv, UV_RUN_DEFAULT);
  (void)uv_loop_close(&acceptor->uv);
  free_acceptor(acceptor);
  return status;
}

static void acceptor_main(void *argument) { (void)uv_run(&((or_acceptor_t *)argument)->uv, UV_RUN_DEFAULT); }

static void on_stop(or_mail_t *mail) {
  or_acceptor_t *acceptor = (or_acceptor_t *)((char *)mail - offsetof(or_acceptor_t, stop_mail));
  close_listeners(acceptor);
  or_mailbox_close(&acceptor->mailbox);
}

void or_acceptor_stop(or_net_t *net) {
  or_acceptor_t *acceptor = net->acceptor;
  if (acceptor == NULL) return;
  or_mailbox_send(&acceptor->mailbox, &acceptor->stop_mail);
  or_thread_join(&acceptor->thread);
  (void)uv_loop_close(&acceptor->uv);
  free_acceptor(acceptor);
  net->acceptor = NULL;
}

int or_net_port(const or_net_t *net) { return net->acceptor->port; }

or_status_t or_net_set_tls(or_net_t *net, or_tls_t *tls) {
  or_acceptor_t *acceptor = net->acceptor;
  or_mutex_lock(&acceptor->mutex);
  or_tls_t *former = acceptor->tls;
  bool had = former != NULL;
  if (had) acceptor->tls = or_tls_retain(tls);
  or_mutex_unlock(&acceptor->mutex);
  if (!had) return or_error(OR_FAILED_PRECONDITION, "the server was started without TLS");
  or_tls_release(former);
  return or_status_success();
}

static or_loop_t *emptiest_loop(or_net_t *net) {
  or_loop_t *best = &net->loops[0];
  size_t fewest = SIZE_MAX;
  for (size_t i = 0; i < net->loop_count; ++i) {
    size_t count = atomic_load_explicit(&net->loops[i].connection_count, memory_order_relaxed);
    if (count >= fewest) continue;
    fewest = count;
    best = &net->loops[i];
  }
  return best;
}

/* Too many: said in plain HTTP, as far as the socket takes it at once; a TLS client sees the connection end. */
static void refuse(or_net_t *net, int descriptor, bool plain) {
  static const char reply[] =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 85\r\nRetry-After: 1\r\n"
      "Connection: close\r\n\r\n"
      "{\"detail\":\"the server has as many connections as it may\",\"error_code\":\"unavailable\"}\r\n";
  char rest[1024];
  ++net->refused;
  if (plain) {
    (void)send(descriptor, reply, sizeof reply - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(descriptor, SHUT_WR);
    (void)recv(descriptor, rest, sizeof rest, MSG_DONTWAIT); /* what is unread would make the end a reset */
  }
  (void)close(descriptor);
}

static void hand_over(or_acceptor_t *acceptor, int descriptor, bool is_unix) {
  or_net_t *net = acceptor->net;
  or_mutex_lock(&acceptor->mutex);
  or_tls_t *tls = is_unix ? NULL : or_tls_retain(acceptor->tls);
  or_mutex_unlock(&acceptor->mutex);
  if (or_net_connections(net) >= net->options.limits.connections) {
    refuse(net, descriptor, tls == NULL);
  } else {
    or_status_t status = or_loop_adopt(emptiest_loop(net), descriptor, tls, is_unix);
    if (!or_ok(status)) ++net->refused;
    if (!or_ok(status))
      or_log(OR_LOG_SERVER, OR_LOG_WARNING, "connection_refused", "reason=\"%s\"", or_status_message(status));
    or_status_ignore(status); /* logged */
  }
  or_tls_release(tls);
}

static void on_connection(uv_poll_t *poll, int status, int events) {
  (void)status, (void)events;
  or_acceptor_t *acceptor = poll->data;
  size_t index = 0;
  while (&acceptor->listeners[index].poll != poll) ++index;
  if (acceptor->spare < 0) keep_spare(acceptor);
  for (int i = 0; i < ACCEPTS_PER_EVENT; ++i) {
    int descriptor = accept4(acceptor->listeners[index].descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0 && (errno == EMFILE || errno == ENFILE) && acceptor->spare >= 0) {
      (void)close(acceptor->spare);
      descriptor = accept4(acceptor->listeners[index].descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor >= 0) refuse(acceptor->net, descriptor, true);
      keep_spare(acceptor);
      continue;
    }
    if (descriptor < 0) return;
    int yes = 1;
    if (!acceptor->listeners[index].is_unix) (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    hand_over(acceptor, descriptor, acceptor->listeners[index].is_unix);
  }
}

static or_status_t bind_failure(const char *where, int error) {
  char text[128];
  const char *cure = "";
  if (error == EMFILE) cure = "; raise ulimit -n";
  if (error == EADDRINUSE) cure = "; another program listens there: end it, or choose another with --port";
  if (error == EACCES) cure = "; ports below 1024 and foreign folders need rights: choose another";
  if (error == EADDRNOTAVAIL) cure = "; this machine has no such address";
  return or_error(error == EACCES ? OR_PERMISSION_DENIED : OR_UNAVAILABLE, "can't listen at %s: %s%s", where,
                  or_errno_text(error, text, sizeof text), cure);
}

/* The same of a socket in the file system. */
static or_status_t bind_unix_failure(const char *path, int error) {
  struct stat info;
  char text[128];
  const char *cure = "";
  if (error == EADDRINUSE && lstat(path, &info) == 0 && !S_ISSOCK(info.st_mode)) {
    cure = "; that is no socket: move it away, or choose another with --unix";
  } else if (error == EADDRINUSE) {
    cure = "; another program listens there: end it, or choose another with --unix";
  } else if (error == ENOENT || error == ENOTDIR) {
    cure = "; make its folder, or choose another with --unix";
  } else if (error == EACCES) {
    cure = "; its folder must be writable: choose another with --unix";
  }
  return or_error(error == EACCES ? OR_PERMISSION_DENIED : OR_UNAVAILABLE, "can't listen at unix:%s: %s%s", path,
                  or_errno_text(error, text, sizeof text), cure);
}

static void add_listener(or_acceptor_t *acceptor, int descriptor, bool is_unix) {
  acceptor->listeners[acceptor->listener_count].descriptor = descriptor;
  acceptor->listeners[acceptor->listener_count++].is_unix = is_unix;
}

/* Binds one address; port 0 is filled in for those that follow. */
static or_status_t bind_one(or_acceptor_t *acceptor, const struct addrinfo *info) {
  struct sockaddr_storage address;
  socklen_t length = info->ai_addrlen;
  char where[NI_MAXHOST + 16];
  int yes = 1;
  memcpy(&address, info->ai_addr, length);
  in_port_t port = htons((uint16_t)acceptor->port);
  if (address.ss_family == AF_INET) ((struct sockaddr_in *)&address)->sin_port = port;
  if (address.ss_family == AF_INET6) ((struct sockaddr_in6 *)&address)->sin6_port = port;
  (void)or_format(where, sizeof where, "%s port %d", acceptor->net->options.host, acceptor->port);
  int descriptor = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return bind_failure(where, errno);
  (void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (info->ai_family == AF_INET6) (void)setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
  if (bind(descriptor, (struct sockaddr *)&address, length) != 0 || listen(descriptor, BACKLOG) != 0 ||
      getsockname(descriptor, (struct sockaddr *)&address, &length) != 0) {
    or_status_t status = bind_failure(where, errno);
    (void)close(descriptor);
    return status;
  }
  acceptor->port = ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                                      : ((struct sockaddr_in6 *)&address)->sin6_port);
  add_listener(acceptor, descriptor, false);
  return or_status_success();
}

static or_status_t listen_tcp(or_acceptor_t *acceptor) {
  const char *host = acceptor->net->options.host;
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_ADDRCONFIG};
  struct addrinfo *list = NULL;
  acceptor->port = acceptor->net->options.port;
  int error = getaddrinfo(host, NULL, &hints, &list);
  if (error != 0) return or_error(OR_INVALID_ARGUMENT, "host \"%s\": %s", host, gai_strerror(error));
  or_status_t status = or_status_success();
  for (struct addrinfo *info = list; info != NULL && or_ok(status); info = info->ai_next) {
    bool known = info->ai_family == AF_INET || info->ai_family == AF_INET6;
    if (known && acceptor->listener_count + 1 < OR_NET_MAX_LISTENERS) status = bind_one(acceptor, info);
    /* A name may have an address of a family that this machine does not speak. */
    if (or_status_code(status) == OR_UNAVAILABLE && acceptor->listener_count > 0 && errno == EADDRNOTAVAIL) {
      or_status_ignore(status); /* the other address serves */
      status = or_status_success();
    }
  }
  freeaddrinfo(list);
  return status;
}

/* Whether the socket at the path has nobody behind it: left by a server that was killed. */
static bool is_dead(const struct sockaddr_un *address) {
  struct stat info;
  if (lstat(address->sun_path, &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  bool dead = connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
  (void)close(probe);
  return dead;
}

static or_status_t listen_unix(or_acceptor_t *acceptor) {
  const char *path = acceptor->net->options.unix_path;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path)
    return or_error(OR_INVALID_ARGUMENT, "unix socket \"%s\": the path has %zu bytes; the limit is %zu", path,
                    strlen(path), sizeof address.sun_path - 1);
  memcpy(address.sun_path, path, strlen(path));
  if (is_dead(&address)) (void)unlink(path);
  int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return bind_unix_failure(path, errno);
  mode_t former = umask(0117); /* owner and group; before any other thread of the server runs */
  int bound = bind(descriptor, (struct sockaddr *)&address, sizeof address);
  int error = errno;
  (void)umask(former);
  struct stat info;
  if (bound == 0 && lstat(path, &info) == 0 && listen(descriptor, BACKLOG) == 0) {
    acceptor->socket_device = info.st_dev;
    acceptor->socket_file = info.st_ino;
    add_listener(acceptor, descriptor, true);
    return or_status_success();
  }
  if (bound == 0) error = errno;
  (void)close(descriptor);
  return bind_unix_failure(path, error);
}

char *or_net_describe(const or_net_t *net, char *text, size_t capacity) {
  const or_net_options_t *options = &net->options;
  bool v6 = options->host != NULL && strchr(options->host, ':') != NULL;
  size_t used = 0;
  text[0] = '\0';
  if (options->host != NULL) {
    (void)or_format(text, capacity, "%s://%s%s%s:%d", options->tls != NULL ? "https" : "http", v6 ? "[" : "",
                    options->host, v6 ? "]" : "", or_net_port(net));
    used = strlen(text);
  }
  if (options->unix_path != NULL)
    (void)or_format(text + used, capacity - used, "%sunix:%s", used > 0 ? " and " : "", options->unix_path);
  return text;
}
