#ifndef OR_SERVER_TLS_H
#define OR_SERVER_TLS_H
/* TLS 1.2 and 1.3 by OpenSSL: a certificate with its key, loaded from files. */

#include "openruntime/status.h"

/* Counted; any thread. Connections keep the one that they began with. */
typedef struct ssl_ctx_st or_tls_t;

/* `certificate`: PEM, the server's first, then the chain. FAILED_PRECONDITION names the file and what is wrong with it:
 * not there, not PEM, a key that does not belong to the certificate. */
or_status_t or_tls_load(const char *certificate, const char *key, or_tls_t **out);
or_tls_t *or_tls_retain(or_tls_t *tls); /* takes NULL */
void or_tls_release(or_tls_t *tls);     /* takes NULL */

#endif
