#ifndef OR_BASE_FILE_H
#define OR_BASE_FILE_H
/* Whole small files and positioned reads of large ones. */

#include "openruntime/status.h"

/* Reads a whole file of at most `limit_bytes` (works for /proc and /sys, whose size says 0); *out is terminated beyond
 * *length; free with or_free. NOT_FOUND, PERMISSION_DENIED, OUT_OF_RANGE (names size and limit), DATA_LOSS (I/O error).
 * Messages name the path. */
or_status_t or_file_read(const or_allocator_t *allocator, const char *path, size_t limit_bytes, char **out,
                         size_t *length);
/* Writes a file through a temporary name in the same folder and a rename, so that it is whole or not there. */
or_status_t or_file_write(const char *path, const void *bytes, size_t length);

/* The path of the running program's file, links resolved, into `path`. False where the system does not tell, or not in
 * `capacity` bytes. */
bool or_file_program(char *path, size_t capacity);

/* A file written piece by piece through a temporary name, as or_file_write does. In place; owned by one thread. */
#define OR_FILE_PATH_BYTES 4096
typedef struct or_file_writer_t {
  int descriptor;  /* -1: not open */
  uint64_t length; /* bytes appended */
  bool replace;
  char path[OR_FILE_PATH_BYTES], temporary[OR_FILE_PATH_BYTES];
} or_file_writer_t;
/* ALREADY_EXISTS: something is there and `replace` is false, here or at the end. */
or_status_t or_file_writer_begin(or_file_writer_t *writer, const char *path, bool replace);
or_status_t or_file_writer_append(or_file_writer_t *writer, const void *bytes, size_t length);
/* Gives the file its name, or, if `status` or that fails, leaves nothing behind. Takes and gives the status. */
or_status_t or_file_writer_end(or_file_writer_t *writer, or_status_t status);

/* A regular file opened for positioned reads. Counted, thread-safe. */
typedef struct or_file_t or_file_t;
or_status_t or_file_open(const or_allocator_t *allocator, const char *path, or_file_t **out); /* NOT_FOUND … */
/* `path` in a folder, where none of its parts may be a link, or become one meanwhile: PERMISSION_DENIED. */
or_status_t or_file_open_below(const or_allocator_t *allocator, const char *folder, const char *path, or_file_t **out);
void or_file_retain(or_file_t *file);
void or_file_release(or_file_t *file);        /* takes NULL */
uint64_t or_file_size(const or_file_t *file); /* bytes, when opened */
const char *or_file_path(const or_file_t *file);
/* A hash of what the file was when opened (device, inode, size, times of modification and of change): a name for its
 * content as long as nobody writes to it. */
uint64_t or_file_identity(const or_file_t *file);
/* Exactly `bytes` at `offset`; DATA_LOSS if the file ends before (it shrank) or changed its size or mtime since it was
 * opened. */
or_status_t or_file_read_at(or_file_t *file, uint64_t offset, void *bytes, size_t length);
uint64_t or_file_bytes_read(const or_file_t *file); /* by or_file_read_at so far; what was read twice counts twice */
/* Is it still what was opened, and what its path leads to? DATA_LOSS: its size or mtime is another, or the path's file
 * is: of what several files hold, parts may be of different times. */
or_status_t or_file_check(const or_file_t *file);

#endif
