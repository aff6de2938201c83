#include "task/kernel.h"

#include <ctype.h>
#include <string.h>

#include "base/string.h"
#include "openruntime/device.h"

bool or_kernel_name_valid(const char *name) {
  size_t length = 0;
  if (!isalpha((unsigned char)name[0]) && name[0] != '_') return false;
  for (; name[length] != '\0'; ++length) {
    if (!isalnum((unsigned char)name[length]) && name[length] != '_') return false;
  }
  return length <= OR_KERNEL_NAME_BYTES;
}

or_status_t or_kernel_find_compiler(const or_runtime_t *runtime, const char *target) {
  char list[384] = "";
  or_device_t *wanted = NULL;
  const bool any = target == NULL || strcmp(target, "auto") == 0;
  or_status_t status = any ? or_status_success() : or_runtime_find_device(runtime, target, &wanted);
  if (!or_ok(status)) return status;
  for (size_t i = 0; i < or_runtime_device_count(runtime); ++i) {
    or_device_t *device = or_runtime_device(runtime, i);
    const or_device_facts_t *facts = or_device_facts(device);
    if (wanted != NULL && device != wanted) continue;
    const size_t used = strlen(list);
    or_format(list + used, sizeof list - used, "%s%s (its back end, %s, has no compiler)", used > 0 ? ", " : "",
              facts->id, facts->type);
  }
  return or_error(OR_UNIMPLEMENTED, "no device can compile kernels in this version: %s",
                  list[0] != '\0' ? list : "this machine has none");
}
