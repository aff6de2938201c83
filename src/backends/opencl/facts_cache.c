#include "backends/opencl/facts_cache_internal.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/numbers.h"
#include "base/string.h"
#include "or_config.h"

#define MAX_FILE_BYTES ((size_t)64 << 10)
#define MAX_ICD_BYTES ((size_t)4 << 10)
#define MAX_ENTRIES 1024u /* of a folder that are looked at */
#define PATH_BYTES 1024u
#define USUAL_VENDORS "/etc/OpenCL/vendors"

/* What loaders and drivers read of the environment. */
static const char *const variables[] = {
    OR_CL_LIBRARY_VARIABLE, "LD_LIBRARY_PATH",      "OCL_ICD_VENDORS",        "OCL_ICD_FILENAMES",
    "OPENCL_VENDOR_PATH",   "POCL_DEVICES",         "POCL_MAX_PTHREAD_COUNT", "POCL_MEMORY_LIMIT",
    "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",    "GPU_DEVICE_ORDINAL",
    "ZE_AFFINITY_MASK",
};

static bool path_of(const char *folder, char path[PATH_BYTES]) {
  int length = snprintf(path, PATH_BYTES, "%s/opencl-devices.txt", folder);
  return folder[0] != '\0' && length > 0 && (size_t)length < PATH_BYTES;
}

static uint64_t add_text(uint64_t key, const char *text) { return or_hash_bytes(text, strlen(text) + 1, key); }

/* Which file it is, and when it was written. */
static uint64_t add_file(uint64_t key, const char *path) {
  struct stat info;
  uint64_t facts[4] = {0};
  if (stat(path, &info) == 0) {
    facts[0] = 1;
    facts[1] = (uint64_t)info.st_size;
    facts[2] = (uint64_t)info.st_mtime;
    facts[3] = (uint64_t)info.st_ino;
  }
  return or_hash_bytes(facts, sizeof facts, key);
}

static uint64_t add_content(uint64_t key, const or_allocator_t *allocator, const char *path) {
  char *content = NULL;
  size_t length = 0;
  or_status_t status = or_file_read(allocator, path, MAX_ICD_BYTES, &content, &length);
  if (or_ok(status)) key = or_hash_bytes(content, length, key);
  or_free(allocator, content);
  or_status_ignore(status); /* what can't be read is part of the state as well: without content */
  return key;
}

/* Every name in a folder that begins and ends so, in any order; `content`: and what is in the files. */
static uint64_t add_folder(uint64_t key, const or_allocator_t *allocator, const char *folder, const char *begin,
                           const char *end, bool content) {
  uint64_t sum = 0;
  DIR *directory = opendir(folder);
  for (uint32_t i = 0; directory != NULL && i < MAX_ENTRIES; ++i) {
    const struct dirent *entry = readdir(directory);
    char path[PATH_BYTES];
    if (entry == NULL) break;
    if (!or_string_starts_with(entry->d_name, begin) || !or_string_ends_with(entry->d_name, end)) continue;
    uint64_t own = add_text(7, entry->d_name);
    int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (content && length > 0 && (size_t)length < sizeof path) {
      own = add_content(add_file(own, path), allocator, path);
    }
    sum += own;
  }
  if (directory != NULL) (void)closedir(directory);
  return or_hash_bytes(&sum, sizeof sum, key);
}

uint64_t or_cl_facts_cache_key(const or_allocator_t *allocator, const char *library) {
  uint64_t key = add_text(6, OR_VERSION);
  for (size_t i = 0; i < sizeof variables / sizeof *variables; ++i) {
    const char *value = getenv(variables[i]);
    key = add_text(add_text(key, variables[i]), value != NULL ? value : "");
    bool vendors = strstr(variables[i], "VENDOR") != NULL && value != NULL;
    if (vendors) key = add_folder(key, allocator, value, "", ".icd", true);
  }
  key = add_file(add_text(key, library), library);
  key = add_file(key, "/etc/ld.so.cache"); /* written when a package brings or takes a library */
  key = add_folder(key, allocator, USUAL_VENDORS, "", ".icd", true);
  key = add_folder(key, allocator, "/dev", "nvidia", "", false); /* what a container is given may differ */
  key = add_folder(key, allocator, "/dev", "kfd", "", false);
  key = add_folder(key, allocator, "/dev/dri", "", "", false);
  const unsigned cores = or_thread_cores(); /* the units of a processor's device */
  key = or_hash_bytes(&cores, sizeof cores, key);
  return add_content(key, allocator, "/proc/sys/kernel/random/boot_id");
}

bool or_cl_facts_cache_load(const or_allocator_t *allocator, const char *folder, or_cl_found_t *found,
                            uint32_t capacity, uint32_t *count) {
  char path[PATH_BYTES], library[PATH_BYTES], *text = NULL;
  size_t length = 0;
  or_cl_facts_file_t file;
  *count = 0;
  if (!path_of(folder, path)) return false;
  or_status_t status = or_file_read(allocator, path, MAX_FILE_BYTES, &text, &length);
  bool whole = or_ok(status) && or_cl_facts_cache_parse(text, length, &file, found, capacity, count);
  or_status_ignore(status); /* not there, or not readable: the platforms are asked */
  bool same = false;
  if (whole && file.library_bytes < sizeof library) {
    memcpy(library, file.library, file.library_bytes);
    library[file.library_bytes] = '\0';
    same = or_cl_facts_cache_key(allocator, library) == file.key;
  }
  or_free(allocator, text);
  if (!same) *count = 0;
  return same && *count > 0;
}

void or_cl_facts_cache_save(const or_allocator_t *allocator, const char *folder, const char *library,
                            const or_cl_found_t *found, uint32_t count) {
  char path[PATH_BYTES];
  or_text_t text;
  or_file_writer_t writer;
  if (!path_of(folder, path) || count == 0 || library[0] == '\0' || strchr(library, '\n') != NULL) return;
  or_text_init(&text, allocator);
  or_status_t status =
      or_cl_facts_cache_format(library, or_cl_facts_cache_key(allocator, library), found, count, &text);
  /* In the place of whatever is there: to write into a pipe would wait for its reader. */
  if (or_ok(status)) status = or_file_writer_begin(&writer, path, true);
  if (or_ok(status)) status = or_file_writer_end(&writer, or_file_writer_append(&writer, text.data, text.length));
  if (!or_ok(status)) or_log(OR_LOG_BACKEND, OR_LOG_DEBUG, "opencl_devices_not_kept", "%s", or_status_message(status));
  or_status_ignore(status); /* the platforms are asked again next time */
  or_text_deinit(&text);
}

void or_cl_facts_cache_remove(const char *folder) {
  char path[PATH_BYTES];
  if (path_of(folder, path)) (void)unlink(path); /* gone already, or not ours to remove */
}
