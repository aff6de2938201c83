/* Replies that are ready in one turn of the loop are sent together at its end. The first one of them may wake who waits
 * for it on another core, which costs as much as a small reply; the others find it awake. A reply is held until every
 * socket that had something to read was looked after, OR_HELD_NS at most. */
#include <string.h>

#include "base/clock.h"
#include "server/net_internal.h"

static bool may_hold(const or_connection_t *connection) {
  const or_loop_t *loop = connection->loop;
  return loop->gathers && loop->out_length > 0 && connection->state == OR_CONNECTION_HEAD &&
         !connection->ends_after_output && connection->stash == NULL && connection->transport.ssl == NULL &&
         !or_connection_has_output(connection);
}

bool or_connection_hold(or_connection_t *connection) {
  or_loop_t *loop = connection->loop;
  or_held_t *held = &loop->held;
  if (!may_hold(connection) || held->count == OR_HELD_REPLIES || held->bytes + loop->out_length > OR_LOOP_BUFFER_BYTES)
    return false;
  if (held->count == 0) held->since_ns = or_clock_ns();
  memcpy(held->data + held->bytes, loop->out, loop->out_length);
  held->bytes += loop->out_length;
  held->replies[held->count++] = (or_held_reply_t){connection, held->bytes};
  loop->out_length = 0;
  connection->held = true;
  return true;
}

void or_loop_send_held(or_loop_t *loop) {
  or_held_t *held = &loop->held;
  const size_t count = held->count;
  size_t begin = 0;
  held->count = held->bytes = 0; /* nothing is held while these are sent */
  for (size_t i = 0; i < count; ++i) {
    or_connection_t *connection = held->replies[i].connection;
    const char *data = held->data + begin;
    const size_t length = held->replies[i].end - begin;
    begin = held->replies[i].end;
    connection->held = false;
    if (!or_connection_send_now(connection, data, length)) or_connection_close(connection);
  }
}

void or_loop_send_old(or_loop_t *loop) {
  const or_held_t *held = &loop->held;
  if (held->count == 0) return;
  if (held->count == OR_HELD_REPLIES || or_clock_ns() - held->since_ns >= OR_HELD_NS) or_loop_send_held(loop);
}
