#ifndef OR_CLIENT_WS_CLIENT_H
#define OR_CLIENT_WS_CLIENT_H
/* A WebSocket to an OpenRuntime server, as a client (RFC 6455): with the address, the key, the certificates and the
 * token of an or_client_t. Text messages. Owned by one thread. */

#include "client/client.h"

#define OR_WS_CLIENT_MAX_MESSAGE_BYTES ((size_t)16 << 20)
#define OR_WS_CLIENT_TIMEOUT_MS 10000 /* to connect, to shake hands, to take what is sent */

typedef struct or_ws_client_t or_ws_client_t;
/* Connects to `path` ("/ws") and shakes hands. The client must outlive it. UNAVAILABLE: no server there, or it does not
 * speak WebSocket; DEADLINE_EXCEEDED; CANCELLED (the token); UNIMPLEMENTED: no libcurl; what or_client_reply_status
 * makes of a refusal; RESOURCE_EXHAUSTED. */
or_status_t or_ws_client_open(const or_client_t *client, const char *path, or_ws_client_t **out);
void or_ws_client_close(or_ws_client_t *ws); /* tells the server; takes NULL */

/* UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, RESOURCE_EXHAUSTED: the connection is of no more use. */
or_status_t or_ws_client_send(or_ws_client_t *ws, const char *text, size_t length);
/* The next message, if it has come: *text is not terminated and valid until the next call; NULL: none yet. Pings are
 * answered. UNAVAILABLE: the connection has ended, with the server's word for it. */
or_status_t or_ws_client_receive(or_ws_client_t *ws, const char **text, size_t *length);
/* To poll for reading once receive has given nothing. */
int or_ws_client_descriptor(const or_ws_client_t *ws);

#endif
