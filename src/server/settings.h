#ifndef OR_SERVER_SETTINGS_H
#define OR_SERVER_SETTINGS_H
/* What was set while a server ran, kept by the store and set again at the next start. */

#include "scheduler/scheduler.h"
#include "store/store.h"

/* Reads every setting of a kind and waits: `each` is called on a thread of the store with its name and its document,
 * borrowed for the call. One that is no JSON is told in the log and passed over. Not on a loop's thread. */
typedef void (*or_setting_visit_t)(void *self, const char *name, const or_json_value_t *value);
or_status_t or_settings_each(or_store_t *store, or_store_setting_t kind, or_setting_visit_t each, void *self);

/* Devices: a row named as the device says whether it is taken out; one named "hardware:" and the hardware's id has the
 * limits that all of its devices share. What is as it would be without the row has none. */
or_status_t or_settings_restore_devices(or_store_t *store, or_scheduler_t *scheduler, const or_runtime_t *runtime);
/* Puts both rows of a device. `done` is called OR_SETTINGS_DEVICE_ROWS times, on a thread of the store or, with the
 * reason, on this one for a row that the store did not take. */
void or_settings_keep_device(or_store_t *store, const or_device_t *device, const or_device_settings_t *settings,
                             or_journal_done_t done, void *self);
#define OR_SETTINGS_DEVICE_ROWS 2

#endif
