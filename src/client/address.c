#include "client/address.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define FORMS "there are http://HOST:PORT, https://HOST:PORT and unix:/PATH"

static int digit(char letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  const int lower = tolower((unsigned char)letter);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* %XX to bytes, into the socket's path. */
static or_status_t take_unix_path(const char *url, const char *path, bool encoded, or_client_address_t *out) {
  size_t length = 0;
  for (; *path != '\0'; ++path) {
    char byte = *path;
    if (encoded && byte == '%') {
      const int high = digit(path[1]), low = high >= 0 ? digit(path[2]) : -1;
      if (low < 0 || high * 16 + low == 0) return or_error(OR_INVALID_ARGUMENT, "--url %.200s: a wrong %%XX", url);
      byte = (char)(high * 16 + low);
      path += 2;
    } else if (encoded && byte == '/') {
      return or_error(OR_INVALID_ARGUMENT, "--url %.200s: each / of the socket's path is written %%2F", url);
    }
    if (length + 1 >= sizeof out->unix_path) {
      return or_error(OR_INVALID_ARGUMENT, "--url %.200s: a socket's path has at most %d bytes", url,
                      OR_CLIENT_SOCKET_BYTES - 1);
    }
    out->unix_path[length++] = byte;
  }
  out->unix_path[length] = '\0';
  if (length == 0) return or_error(OR_INVALID_ARGUMENT, "--url %.200s: the socket's path is missing", url);
  or_format(out->base, sizeof out->base, "http://localhost");
  out->loopback = true;
  return or_status_success();
}

/* The text behind a colon: 1 to 65535. */
static bool is_port(const char *text, size_t length) {
  long port = 0;
  for (size_t i = 0; i < length; ++i) {
    if (!isdigit((unsigned char)text[i])) return false;
    port = port * 10 + (text[i] - '0');
    if (port > 65535) return false;
  }
  return port > 0;
}

static bool is_loopback(const char *host, size_t length) {
  return (length == 9 && strncasecmp(host, "localhost", length) == 0) ||
         (length > 4 && strncmp(host, "127.", 4) == 0) || (length == 5 && strncmp(host, "[::1]", 5) == 0);
}

/* "HOST[:PORT][/PREFIX]", which is all that may stand there. */
static or_status_t check_authority(const char *url, const char *authority, or_client_address_t *out) {
  const size_t length = strcspn(authority, "/");
  const char *bracket = memchr(authority, ']', length); /* colons before it belong to an IPv6 address */
  const size_t skipped = bracket != NULL ? (size_t)(bracket - authority) : 0;
  const char *colon = memchr(authority + skipped, ':', length - skipped);
  const size_t host = colon != NULL ? (size_t)(colon - authority) : length;
  for (const char *at = authority; *at != '\0'; ++at) {
    if ((unsigned char)*at <= ' ' || *at == 0x7f || strchr("?#@\\", *at) != NULL)
      return or_error(OR_INVALID_ARGUMENT, "--url %.200s: \"%c\" has no place in it; " FORMS, url, *at);
  }
  if (host == 0) return or_error(OR_INVALID_ARGUMENT, "--url %.200s: the host is missing; " FORMS, url);
  if (colon != NULL && !is_port(colon + 1, length - host - 1))
    return or_error(OR_INVALID_ARGUMENT, "--url %.200s: a port is 1 to 65535; " FORMS, url);
  out->loopback = is_loopback(authority, host);
  return or_status_success();
}

or_status_t or_client_address_parse(const char *url, or_client_address_t *out) {
  static const char plain[] = "http://", secure[] = "https://", sockets[] = "http+unix://", local[] = "unix:";
  *out = (or_client_address_t){.loopback = false};
  if (strncasecmp(url, sockets, sizeof sockets - 1) == 0)
    return take_unix_path(url, url + sizeof sockets - 1, true, out);
  if (strncasecmp(url, local, sizeof local - 1) == 0) {
    const char *path = url + sizeof local - 1;
    return take_unix_path(url, strncmp(path, "///", 3) == 0 ? path + 2 : path, false, out);
  }
  const char *authority = strstr(url, "://");
  if (authority == NULL) {
    or_format(out->base, sizeof out->base, "%s%s", plain, url);
    authority = url;
  } else if (strncasecmp(url, plain, sizeof plain - 1) == 0 || strncasecmp(url, secure, sizeof secure - 1) == 0) {
    or_format(out->base, sizeof out->base, "%s", url);
    authority += 3;
  } else {
    return or_error(OR_INVALID_ARGUMENT, "--url %.200s: " FORMS, url);
  }
  if (strlen(url) + sizeof secure > sizeof out->base)
    return or_error(OR_INVALID_ARGUMENT, "--url: at most %d bytes", OR_CLIENT_URL_BYTES);
  or_status_t status = check_authority(url, authority, out);
  for (size_t length = strlen(out->base); or_ok(status) && length > 0 && out->base[length - 1] == '/';)
    out->base[--length] = '\0';
  return status;
}
