#ifndef OR_BASE_LOG_WRITER_H
#define OR_BASE_LOG_WRITER_H
/* Log lines to a descriptor whose reader may be slow, stuck or gone: whoever logs never waits for it. Lines lie in a
 * ring until a thread of the writer's own has written them; one that finds no room is dropped and counted, and as soon
 * as there is room again a line says how many were: event=log_lines_dropped count=N. */

#include "base/log.h"

typedef struct or_log_writer_t or_log_writer_t;

#define OR_LOG_WRITER_BYTES ((size_t)256 << 10)        /* of lines that wait */
#define OR_LOG_WRITER_RESERVE_BYTES ((size_t)64 << 10) /* of those, for warnings and errors alone */

/* `descriptor` stays the caller's, and as it is: no flag of it is changed, for others may write there too.
 * RESOURCE_EXHAUSTED: memory, threads. */
or_status_t or_log_writer_start(const or_allocator_t *allocator, int descriptor, or_log_writer_t **out);
/* An or_log_sink_t; `self` is the writer. The line begins with the time of day. Any thread. */
void or_log_writer_take(void *self, or_log_level_t level, const char *line);
/* Lines that were never written. Any thread; takes NULL. */
uint64_t or_log_writer_dropped(const or_log_writer_t *writer);
/* Waits until every line that was taken is written, or for `deadline_ns` (or_clock_ns); true: they are. */
bool or_log_writer_flush(or_log_writer_t *writer, int64_t deadline_ns);
/* Flushes, ends the thread, frees; nobody takes lines any more. What was not written at the deadline is lost: false.
 * Takes NULL. (A thread that is stuck in the system, which a full pipe does only to one that shares it with another
 * writer, is left behind with the writer's memory.) */
bool or_log_writer_stop(or_log_writer_t *writer, int64_t deadline_ns);

#endif
