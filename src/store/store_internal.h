#ifndef OR_STORE_STORE_INTERNAL_H
#define OR_STORE_STORE_INTERNAL_H
/* The parts of a store and who owns them.
 *
 * Locks, none of which is held while another is taken: writer.lock, reader.lock, keys.lock; and `shared_lock`, which in
 * a store in memory stands for the one connection that both threads have, and is held by a thread while it uses it. */

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/string.h"
#include "store/database_internal.h"
#include "store/store.h"

#define OR_STORE_BATCH_ROWS 1024                /* a commit has at most so many */
#define OR_STORE_BATCH_BYTES ((size_t)32 << 20) /* and takes no more once it has so many */
#define OR_STORE_LINGER_NS ((int64_t)10000000)  /* rows that nobody waits for wait so long for company */
#define OR_STORE_RETRY_NS ((int64_t)1000000000) /* until what could not be written is tried again */
#define OR_STORE_TICK_NS ((int64_t)30000000000) /* retention by age, uses of keys */
#define OR_STORE_TRIM_ROWS 64                   /* removed in one transaction */
#define OR_STORE_ROW_BYTES 256                  /* what a row counts beside its texts */
#define OR_STORE_FILE_BYTES 40                  /* "01J….blob" and the terminator */

typedef enum or_item_kind_t {
  OR_ITEM_ADMIT,
  OR_ITEM_START,
  OR_ITEM_FINISH,
  OR_ITEM_PRIORITY,
  OR_ITEM_REMOVE,
  OR_ITEM_RETENTION,
  OR_ITEM_FLUSH,
  OR_ITEM_SWEEP,
  OR_ITEM_SETTING,
  OR_ITEM_CREATE_KEY,
  OR_ITEM_REVOKE_KEY,
} or_item_kind_t;

typedef struct or_item_blob_t {
  or_journal_blob_t blob;
  uint64_t hash;
  char file[OR_STORE_FILE_BYTES]; /* "": in the row; set once it is written */
} or_item_blob_t;

/* One thing to be written: a single allocation that everything in it points into. Whoever holds it owns it: the
 * queue, then the writer thread. */
typedef struct or_item_t or_item_t;
struct or_item_t {
  or_item_t *next;
  uint64_t number; /* in the order of the queue */
  or_item_kind_t kind;
  size_t bytes; /* of the backlog */
  or_journal_done_t done;
  void *self;
  or_status_t outcome; /* of what the row itself says, once carried out */
  or_task_record_t record;
  uint8_t digest[OR_TASK_DIGEST_BYTES]; /* of a body or a secret */
  or_item_blob_t *blobs;
  size_t blob_count;
  or_store_role_t role;
  or_store_retention_t retention;
  or_store_setting_t setting;
  const char *name, *value; /* of a setting */
  or_store_key_t key;
  char forgotten_key[OR_TASK_OWNER_BYTES]; /* the oldest revoked one, where there are too many */
};

/* What is to be put into an item. */
typedef struct or_item_source_t {
  or_item_kind_t kind;
  const or_task_record_t *record; /* may be NULL */
  const or_journal_blob_t *blobs;
  size_t blob_count;
  const char *name, *value;
  bool with_request;
} or_item_source_t;

typedef struct or_writer_t {
  or_thread_t thread;
  or_mutex_t lock;
  or_cond_t wake, progress;
  size_t row_limit, byte_limit;
  /* Under lock. */
  or_item_t *first, **end;
  size_t queued;                   /* in the list */
  size_t rows, bytes;              /* of the backlog: in the list, with the writer thread, or parked */
  uint64_t last_number, processed; /* put into the list; written, parked or given up */
  int64_t first_queued_ns;
  bool urgent; /* somebody waits for one of the list */
  bool closing;
  bool absent; /* set before the threads run: the store is only looked at */
  or_store_stats_t stats;
  /* The writer thread's. */
  or_item_t *parked, **parked_end; /* could not be written; tried again */
  int64_t retry_ns;
  or_item_t *trimming;    /* new bounds whose `done` waits until nothing exceeds them */
  bool last_failed;       /* the last commit, or the files before it */
  uint64_t database_file; /* number of the one that is open */
} or_writer_t;

typedef struct or_read_t or_read_t;
typedef struct or_reader_t {
  or_thread_t thread;
  or_mutex_t lock;
  or_cond_t wake;
  /* Under lock. */
  or_read_t *first, **end;
  size_t count;
  bool closing;
} or_reader_t;

typedef struct or_stored_key_t {
  or_store_key_t key;
  uint8_t digest[OR_TASK_DIGEST_BYTES];
  bool used; /* since its row was written */
} or_stored_key_t;
typedef struct or_keys_t {
  or_mutex_t lock;
  /* Under lock. */
  or_stored_key_t *items; /* the oldest first */
  size_t count, capacity;
  size_t reserved; /* of the capacity, for keys that are being written */
} or_keys_t;

/* The writer thread's; what is stored now, and the files whose rows the transaction at hand removes. */
typedef struct or_totals_t {
  int64_t tasks, bytes;
} or_totals_t;
typedef struct or_doomed_t {
  char name[OR_STORE_FILE_BYTES];
} or_doomed_t;

struct or_store_t {
  const or_allocator_t *allocator;
  or_store_files_t files;
  bool memory, beside, synchronous_off;
  char database_path[OR_FILE_PATH_BYTES], files_path[OR_FILE_PATH_BYTES];
  char vfs[64]; /* "": the system's */
  int lock_descriptor;
  int files_descriptor; /* of the folder of files; -1: beside, or in memory */
  or_journal_t journal;
  or_mutex_t shared_lock;
  or_database_t writing, reading; /* each its thread's */
  or_writer_t writer;
  or_reader_t reader;
  or_keys_t keys;
  /* The writer thread's from here on. */
  or_totals_t totals, totals_before; /* the latter: as of the last commit */
  or_doomed_t *doomed;
  size_t doomed_count, doomed_capacity;
  bool sweep_due; /* files stayed because a backup wanted them */
  or_store_retention_t retention;
  int64_t next_age_check_us;
};

/* store.c */
void or_store_lock_shared(or_store_t *store); /* nothing where the store is on disk */
void or_store_unlock_shared(or_store_t *store);
or_status_t or_store_connect(or_store_t *store, or_database_t *database); /* one more connection to the file */

/* item.c: reserves room in the backlog, then copies. UNAVAILABLE, RESOURCE_EXHAUSTED, INVALID_ARGUMENT,
 * FAILED_PRECONDITION. */
or_status_t or_item_make(or_store_t *store, const or_item_source_t *source, or_item_t **out);
or_status_t or_item_check_id(const char *task_id);

/* journal.c */
void or_journal_init(or_store_t *store);

/* writer.c */
or_status_t or_writer_start(or_store_t *store);
void or_writer_stop(or_store_t *store); /* after it has written all */
/* Room for one more item, or the reason why not. Ends and starts may use twice the bounds. */
or_status_t or_writer_reserve(or_writer_t *writer, or_item_kind_t kind, size_t bytes);
void or_writer_unreserve(or_writer_t *writer, size_t bytes);
void or_writer_push(or_writer_t *writer, or_item_t *item, or_journal_done_t done, void *self); /* takes the item */
uint64_t or_writer_last_number(or_writer_t *writer);
void or_writer_wait_for(or_writer_t *writer, uint64_t number); /* until that item was looked after */

/* transaction.c: on the writer thread. */
or_status_t or_transaction_begin(or_store_t *store, or_trouble_t *trouble);
/* Commits or, if `status` is a failure or the commit fails, takes all back. Takes and gives the status. */
or_status_t or_transaction_end(or_store_t *store, or_status_t status, or_trouble_t *trouble);

/* apply.c: on the writer thread, inside a transaction. A failure is of the whole transaction; what only concerns the
 * item is its outcome. */
or_status_t or_apply(or_store_t *store, or_item_t *item);
or_status_t or_apply_removal(or_store_t *store, int64_t sequence, int64_t bytes);

/* files.c */
extern const or_store_files_t or_store_system_files;
/* Writes the item's large tensors; *any becomes true if there were. */
or_status_t or_files_write(or_store_t *store, or_item_t *item, bool *any);
void or_files_discard(or_store_t *store, or_item_t *item); /* those of an item that was given up */
void or_files_path(const or_store_t *store, const char *name, char path[OR_FILE_PATH_BYTES]);
/* Removes every file of ours that no row names, where nobody writes new ones; while a backup runs that is put off. */
or_status_t or_files_sweep(or_store_t *store, or_database_t *database);
/* Between the two no process removes a file. The former waits for a removal that is under way. */
or_status_t or_files_hold(const or_store_t *store, int *descriptor);
void or_files_let_go(int descriptor);
/* Between the two no backup begins; false: one runs. The writer thread's. */
bool or_files_begin_removal(or_store_t *store);
void or_files_end_removal(or_store_t *store);

/* retention.c: one step; *more: call again. */
or_status_t or_retention_step(or_store_t *store, bool *more);

/* reader.c */
or_status_t or_reader_start(or_store_t *store);
void or_reader_stop(or_store_t *store);

/* rows.c: what a row says. Texts are borrowed from the query. */
void or_record_read(or_query_t *query, or_task_record_t *record);
typedef struct or_blob_row_t {
  int64_t id;
  or_store_blob_t blob;
  uint64_t hash;
  char file[OR_STORE_FILE_BYTES]; /* "": `data` */
  const void *data;               /* borrowed from the query */
  size_t data_bytes;
} or_blob_row_t;
void or_blob_read(or_query_t *query, or_blob_row_t *row);
void or_shape_write(const or_shape_t *shape, char *text, size_t capacity);
#define OR_SHAPE_TEXT_BYTES (OR_MAX_RANK * 21 + 1)
/* The bytes of a row, from itself or its file, checked. Free *owned. */
or_status_t or_blob_load(or_store_t *store, const or_blob_row_t *row, char **owned, const void **data);

/* keys.c */
or_status_t or_keys_load(or_store_t *store, or_database_t *database);
void or_keys_added(or_store_t *store, const or_item_t *item, bool written);
or_status_t or_keys_write_uses(or_store_t *store);

/* digest.c */
bool or_digest_equal(const uint8_t *a, const uint8_t *b); /* in constant time */

/* backup.c, check.c: on the reader thread. */
or_status_t or_backup_write(or_store_t *store, const char *file);
or_status_t or_check_run(or_store_t *store, const or_store_checking_t *checking, or_store_check_t *check);

#endif
