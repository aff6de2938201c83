/* Memory that both sides see. The parent never maps it: a page that can't be had is an error of a call then, not a
 * signal. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/worker_client.h"

static int open_nameless(void);

or_status_t or_worker_memory_create(uint64_t bytes, int *out) {
  char words[96];
  *out = open_nameless();
  bool made = *out >= 0 && bytes <= INT64_MAX && ftruncate(*out, (off_t)bytes) == 0;
#if defined(F_ADD_SEALS) /* its reader must not find less than it was told */
  made = made && fcntl(*out, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
#endif
  if (made) return or_status_success();
  const int error = errno;
  if (*out >= 0) (void)close(*out);
  *out = -1;
  return or_error(OR_RESOURCE_EXHAUSTED, "no %llu bytes of shared memory for a kernel's arguments: %s",
                  (unsigned long long)bytes, or_errno_text(error, words, sizeof words));
}

#if defined(__linux__)
static int open_nameless(void) { return memfd_create("openruntime-kernel", MFD_CLOEXEC | MFD_ALLOW_SEALING); }
#else
static int open_nameless(void) {
  char path[] = "/tmp/openruntime-kernel-XXXXXX";
  const int descriptor = mkstemp(path);
  if (descriptor < 0) return descriptor;
  (void)unlink(path);
  (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
}
#endif

or_status_t or_worker_memory_write(int descriptor, uint64_t offset, const void *bytes, size_t length) {
  char words[96];
  for (size_t done = 0; done < length;) {
    const ssize_t count = pwrite(descriptor, (const char *)bytes + done, length - done, (off_t)(offset + done));
    if (count > 0) {
      done += (size_t)count;
    } else if (count == 0 || errno != EINTR) {
      return or_error(OR_RESOURCE_EXHAUSTED, "no memory for a kernel's arguments: %s",
                      or_errno_text(errno, words, sizeof words));
    }
  }
  return or_status_success();
}

or_status_t or_worker_memory_read(int descriptor, uint64_t offset, void *bytes, size_t length) {
  char words[96];
  for (size_t done = 0; done < length;) {
    const ssize_t count = pread(descriptor, (char *)bytes + done, length - done, (off_t)(offset + done));
    if (count > 0) {
      done += (size_t)count;
    } else if (count == 0 || errno != EINTR) {
      return or_error(OR_DATA_LOSS, "a kernel's results can't be read: %s", or_errno_text(errno, words, sizeof words));
    }
  }
  return or_status_success();
}
