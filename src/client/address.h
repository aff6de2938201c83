#ifndef OR_CLIENT_ADDRESS_H
#define OR_CLIENT_ADDRESS_H
/* Where a server is, from what the user wrote. */

#include "base/string.h"

#define OR_CLIENT_URL_BYTES 2048
#define OR_CLIENT_SOCKET_BYTES 108 /* of a Unix socket's path, terminated: the system's limit */

typedef struct or_client_address_t {
  char base[OR_CLIENT_URL_BYTES];         /* "http://localhost:8000/prefix", no slash at its end */
  char unix_path[OR_CLIENT_SOCKET_BYTES]; /* "" for TCP; base is "http://localhost" then */
  bool loopback;                          /* no proxy leads there */
} or_client_address_t;

/* "http://HOST[:PORT][/PREFIX]", "https://…", "HOST[:PORT][/PREFIX]" (http), "unix:/PATH", "unix:///PATH" or
 * "http+unix://%2FPATH". INVALID_ARGUMENT says what of it can't be. */
or_status_t or_client_address_parse(const char *url, or_client_address_t *out);

#endif
