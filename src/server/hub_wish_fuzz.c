/* What a client of /ws says. */
#include <string.h>

#include "base/alloc.h"
#include "server/hub_wish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  or_hub_wish_t wish;
  or_status_t status = or_hub_wish_parse(or_allocator_system(), (or_slice_t){(const char *)data, size}, &wish);
  if (or_ok(status)) {
    if (!wish.has_topics && wish.interval_ms == 0) __builtin_trap();
    if (wish.topics > (OR_HUB_METRICS | OR_HUB_TASKS | OR_HUB_LOGS)) __builtin_trap();
    if (wish.interval_ms != 0 &&
        (wish.interval_ms < OR_HUB_MIN_INTERVAL_MS || wish.interval_ms > OR_HUB_MAX_INTERVAL_MS))
      __builtin_trap();
  }
  or_status_ignore(status); /* most of what comes is no wish */
  return 0;
}
