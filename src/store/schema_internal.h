#ifndef OR_STORE_SCHEMA_INTERNAL_H
#define OR_STORE_SCHEMA_INTERNAL_H
#include "store/database_internal.h"

#define OR_STORE_APPLICATION_ID 0x4f525354 /* "ORST" in the header of the file */

/* migrations[i] takes a database of version i to i + 1. */
extern const char *const or_store_migrations[];
extern const int or_store_version;

/* Brings the database to version `count`, each step in a transaction of its own. FAILED_PRECONDITION: it is newer, or
 * another program's. */
or_status_t or_schema_migrate(or_database_t *database, const char *const *migrations, int count);
/* Only looks: FAILED_PRECONDITION unless it is of version `count`. */
or_status_t or_schema_expect(or_database_t *database, int count);

#endif
