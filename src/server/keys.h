#ifndef OR_SERVER_KEYS_H
#define OR_SERVER_KEYS_H
/* The store's API keys, as a server asks for them: in memory, by the hash of the secret. */

#include "server/access.h"
#include "store/store.h"

or_keys_t or_keys_of_store(or_store_t *store); /* valid as long as the store */
/* A line in the log where there are keys, and none that may make another. */
void or_keys_warn(or_store_t *store);

#endif
