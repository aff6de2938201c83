#ifndef OR_TESTS_FAKE_RIG_H
#define OR_TESTS_FAKE_RIG_H
/* A backend and its devices without a runtime: for the tests of hal and the conformance runner. */

#include "hal/device.h"

#define OR_RIG_MAX_DEVICES 8u

typedef struct or_rig_t {
  or_host_t host;
  or_backend_t backend;
  bool entered; /* `backend` is filled */
  uint32_t device_count;
  or_device_t *devices[OR_RIG_MAX_DEVICES];
  or_hardware_t *hardware[OR_RIG_MAX_DEVICES]; /* one a hardware id; NULL beyond the last */
} or_rig_t;

/* Enters the backend and makes its devices, all with `allocator`. `settings` may be NULL: defaults, vendor libraries
 * on. On failure nothing is left. Not to be moved while open. */
or_status_t or_rig_open(or_rig_t *rig, const or_allocator_t *allocator, or_backend_entry_t entry,
                        const or_backend_settings_t *settings);
void or_rig_close(or_rig_t *rig);

#endif
