#include "backends/opencl/binaries_internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/string.h"
#include "or_config.h"

#define MAGIC "openruntime opencl program 1\n"
#define MAX_FILE_BYTES ((size_t)64 << 20)
#define MAX_HEADER_BYTES ((size_t)64)

void or_cl_binaries_init(or_cl_binaries_t *binaries, const or_cl_device_t *device, const or_cl_found_t *found) {
  const char *folder = device->backend->host->settings.cache_directory;
  binaries->device = device;
  binaries->folder = folder != NULL ? folder : "";
  (void)or_format(binaries->identity, sizeof binaries->identity, "%s\n%s\n%s\n%s\n", OR_VERSION, found->facts.name,
                  found->facts.driver_version, found->platform_version);
}

void or_cl_binaries_key(const or_cl_binaries_t *binaries, const or_cl_source_t *source, const char *options,
                        or_cl_binary_key_t *out) {
  uint64_t first = 1, second = 2; /* two hashes, so that two sources with one key are not to be expected */
  for (uint32_t i = 0; i < source->count; ++i) {
    first = or_hash_bytes(source->texts[i], source->lengths[i], first);
    second = or_hash_bytes(source->texts[i], source->lengths[i], second);
  }
  (void)or_format(out->text, sizeof out->text, "%s%s\n%016" PRIx64 "%016" PRIx64 "\n", binaries->identity, options,
                  first, second);
  out->path[0] = '\0';
  if (binaries->folder[0] == '\0') return;
  uint64_t name = or_hash_bytes(out->text, strlen(out->text), 3);
  int length = snprintf(out->path, sizeof out->path, "%s/opencl-%016" PRIx64 ".bin", binaries->folder, name);
  if (length < 0 || (size_t)length >= sizeof out->path) out->path[0] = '\0';
}

/* MAGIC, key, "BYTES CHECKSUM\n", binary. */
bool or_cl_binary_parse(const char *file, size_t bytes, const char *key, const char **binary, size_t *binary_bytes) {
  size_t magic = strlen(MAGIC), key_bytes = strlen(key);
  if (bytes < magic + key_bytes || memcmp(file, MAGIC, magic) != 0) return false;
  if (memcmp(file + magic, key, key_bytes) != 0) return false;
  const char *header = file + magic + key_bytes;
  size_t left = bytes - magic - key_bytes;
  const char *end = memchr(header, '\n', left < MAX_HEADER_BYTES ? left : MAX_HEADER_BYTES);
  if (end == NULL) return false;
  char line[MAX_HEADER_BYTES + 1], *rest = NULL;
  (void)or_format(line, sizeof line, "%.*s", (int)(end - header), header);
  uint64_t length = strtoull(line, &rest, 10);
  if (rest == line || *rest != ' ') return false;
  uint64_t checksum = strtoull(rest + 1, &rest, 16);
  left -= (size_t)(end - header) + 1;
  if (*rest != '\0' || length != left || length == 0) return false;
  if (or_hash_bytes(end + 1, left, 4) != checksum) return false;
  *binary = end + 1;
  *binary_bytes = left;
  return true;
}

or_status_t or_cl_binaries_load(const or_cl_binaries_t *binaries, const or_cl_binary_key_t *key, char **out,
                                size_t *bytes) {
  const or_allocator_t *allocator = binaries->device->allocator;
  char *file = NULL;
  size_t length = 0;
  const char *binary = NULL;
  *out = NULL;
  *bytes = 0;
  if (key->path[0] == '\0') return or_status_success();
  or_status_t status = or_file_read(allocator, key->path, MAX_FILE_BYTES, &file, &length);
  if (!or_ok(status)) {
    if (or_status_code(status) == OR_RESOURCE_EXHAUSTED) return status;
    or_status_ignore(status); /* not there, or not readable: it is compiled */
    return or_status_success();
  }
  if (or_cl_binary_parse(file, length, key->text, &binary, bytes)) {
    (void)utimensat(AT_FDCWD, key->path, NULL, 0); /* its use; where it can't be noted, it counts as older */
    memmove(file, binary, *bytes);
    *out = file;
    return status;
  }
  or_log(OR_LOG_BACKEND, OR_LOG_DEBUG, "opencl_binary_foreign", "path=%s", key->path);
  or_free(allocator, file);
  return status;
}

typedef struct kept_t {
  char name[64]; /* "opencl-0123456789abcdef.bin", "opencl-….bin.PID-N.tmp" */
  int64_t used_s;
  uint64_t bytes;
} kept_t;

static int by_use(const void *a, const void *b) {
  const int64_t first = ((const kept_t *)a)->used_s, second = ((const kept_t *)b)->used_s;
  return (first > second) - (first < second);
}

/* What is whole and what a process that was killed has left of it. */
static bool is_kept(const char *name) {
  return or_string_starts_with(name, "opencl-") && strstr(name, ".bin") != NULL &&
         strlen(name) < sizeof((kept_t *)0)->name;
}

void or_cl_binaries_trim(const or_allocator_t *allocator, const char *folder, uint64_t limit) {
  void *array = NULL;
  size_t count = 0, capacity = 0;
  uint64_t all = 0;
  or_status_t status = or_status_success();
  DIR *handle = opendir(folder);
  if (handle == NULL) return;
  for (const struct dirent *entry; or_ok(status) && (entry = readdir(handle)) != NULL;) {
    struct stat facts;
    if (!is_kept(entry->d_name) || fstatat(dirfd(handle), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
    status = or_grow_array(allocator, count + 1, sizeof(kept_t), &array, &capacity);
    if (!or_ok(status)) break;
    kept_t *kept = &((kept_t *)array)[count++];
    *kept = (kept_t){.used_s = facts.st_mtime, .bytes = (uint64_t)facts.st_size};
    (void)or_format(kept->name, sizeof kept->name, "%s", entry->d_name);
    all += kept->bytes;
  }
  if (or_ok(status) && all > limit) {
    const kept_t *kept = array;
    qsort(array, count, sizeof *kept, by_use);
    for (size_t i = 0; i < count && all > limit - limit / 4; ++i) {
      if (unlinkat(dirfd(handle), kept[i].name, 0) == 0) all -= kept[i].bytes;
    }
  }
  or_status_ignore(status); /* no memory for the list: the next one trims */
  or_free(allocator, array);
  (void)closedir(handle); /* it was only read */
}

/* The binary of the one device, or NULL where the driver gives none. */
static or_status_t read_binary(const or_cl_device_t *device, or_cl_program_ref_t program, void **out, size_t *bytes) {
  const or_cl_library_t *cl = device->cl;
  *out = NULL;
  or_status_t status = or_cl_check(cl->GetProgramInfo(program, OR_CL_PROGRAM_BINARY_SIZES, sizeof *bytes, bytes, NULL),
                                   "clGetProgramInfo");
  if (!or_ok(status) || *bytes == 0) return status;
  if (*bytes > MAX_FILE_BYTES) return or_error(OR_OUT_OF_RANGE, "a compiled program of %zu bytes", *bytes);
  status = or_alloc(device->allocator, *bytes, out);
  if (!or_ok(status)) return status;
  unsigned char *list[1] = {*out};
  status =
      or_cl_check(cl->GetProgramInfo(program, OR_CL_PROGRAM_BINARIES, sizeof list, list, NULL), "clGetProgramInfo");
  if (or_ok(status)) return status;
  or_free(device->allocator, *out);
  *out = NULL;
  return status;
}

void or_cl_binaries_save(const or_cl_binaries_t *binaries, const or_cl_binary_key_t *key, or_cl_program_ref_t program) {
  void *binary = NULL;
  size_t bytes = 0;
  or_file_writer_t writer;
  if (key->path[0] == '\0') return;
  or_status_t status = read_binary(binaries->device, program, &binary, &bytes);
  if (or_ok(status) && binary != NULL) {
    char header[MAX_HEADER_BYTES];
    (void)or_format(header, sizeof header, "%zu %016" PRIx64 "\n", bytes, or_hash_bytes(binary, bytes, 4));
    status = or_file_writer_begin(&writer, key->path, true);
    if (or_ok(status)) {
      status = or_file_writer_append(&writer, MAGIC, strlen(MAGIC));
      if (or_ok(status)) status = or_file_writer_append(&writer, key->text, strlen(key->text));
      if (or_ok(status)) status = or_file_writer_append(&writer, header, strlen(header));
      if (or_ok(status)) status = or_file_writer_append(&writer, binary, bytes);
      status = or_file_writer_end(&writer, status);
    }
  }
  or_free(binaries->device->allocator, binary);
  if (or_ok(status)) or_cl_binaries_trim(binaries->device->allocator, binaries->folder, OR_CL_BINARIES_BYTES);
  if (!or_ok(status)) {
    or_log(OR_LOG_BACKEND, OR_LOG_DEBUG, "opencl_binary_not_kept", "%s", or_status_message(status));
  }
  or_status_ignore(status); /* it is compiled again next time */
}
