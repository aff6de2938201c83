#include "base/dynlib.h"

#include <dlfcn.h>
#include <string.h>

#include "base/string.h"

static const char *loader_words(void) {
  const char *words = dlerror();
  return words != NULL ? words : "no reason given";
}

or_status_t or_dynlib_open(const char *const *names, const or_dynlib_symbol_t *symbols, size_t count, void **handle) {
  char reason[512] = "no name to try";
  const char *found = NULL;
  *handle = NULL;
  for (size_t i = 0; i < count; ++i) *symbols[i].address = NULL;
  for (size_t i = 0; names[i] != NULL && *handle == NULL; ++i) {
    *handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (*handle != NULL) {
      found = names[i];
    } else if (i == 0) { /* the words about the first name, the usual one, tell most */
      (void)or_format(reason, sizeof reason, "%s", loader_words());
    }
  }
  if (*handle == NULL)
    return or_error(OR_UNAVAILABLE, "library \"%s\" can't be loaded: %s", names[0] != NULL ? names[0] : "", reason);

  const char *missing = NULL;
  for (size_t i = 0; i < count; ++i) {
    *symbols[i].address = dlsym(*handle, symbols[i].name);
    if (*symbols[i].address == NULL && symbols[i].required && missing == NULL) missing = symbols[i].name;
  }
  if (missing == NULL) return or_status_success();
  for (size_t i = 0; i < count; ++i) *symbols[i].address = NULL;
  *handle = NULL; /* stays loaded: libraries are never closed */
  return or_error(OR_UNAVAILABLE, "library \"%s\" lacks %s: another version is needed", found, missing);
}

bool or_dynlib_path(const void *address, char *path, size_t capacity) {
  Dl_info info;
  if (dladdr(address, &info) == 0 || info.dli_fname == NULL || strlen(info.dli_fname) >= capacity) return false;
  (void)or_format(path, capacity, "%s", info.dli_fname);
  return true;
}
