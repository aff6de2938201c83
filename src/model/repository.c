#include "model/repository.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/string.h"
#include "model/builtin/builtin.h"
#include "model/huggingface.h"

#define MAX_MODELS 10000u /* of one folder */

typedef enum kind_t { KIND_NONE, KIND_FILE, KIND_FOLDER } kind_t;

static kind_t kind_of(const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return KIND_NONE;
  return S_ISREG(info.st_mode) ? KIND_FILE : S_ISDIR(info.st_mode) ? KIND_FOLDER : KIND_NONE;
}

bool or_repository_name_valid(const char *name) {
  if (!isalnum((unsigned char)name[0])) return false;
  size_t length = 0;
  for (; name[length] != '\0'; ++length) {
    if (!isalnum((unsigned char)name[length]) && strchr("._-", name[length]) == NULL) return false;
  }
  return length < OR_REPOSITORY_NAME_BYTES;
}

/* The highest version folder of a model's folder; -1 if there is none. */
static long highest_version(const char *folder) {
  long highest = -1;
  DIR *directory = opendir(folder);
  if (directory == NULL) return -1;
  for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
    char *end = NULL;
    if (!isdigit((unsigned char)entry->d_name[0]) || (entry->d_name[0] == '0' && entry->d_name[1] != '\0')) continue;
    long version = strtol(entry->d_name, &end, 10);
    if (*end == '\0' && version < LONG_MAX && version > highest) highest = version;
  }
  (void)closedir(directory);
  return highest;
}

/* The file of a model's folder: its own model.onnx, or that of `version` (-1: the highest); or the folder itself, as
 * Hugging Face's libraries save it. Sets text to the path. */
static or_status_t file_of_folder(const char *folder, long version, or_text_t *text) {
  or_text_clear(text);
  or_status_t status = or_text_printf(text, "%s/model.onnx", folder);
  if (!or_ok(status) || (version < 0 && kind_of(or_text_string(text)) == KIND_FILE)) return status;
  if (version < 0) version = highest_version(folder);
  if (version >= 0) {
    or_text_clear(text);
    status = or_text_printf(text, "%s/%ld/model.onnx", folder, version);
    if (!or_ok(status) || kind_of(or_text_string(text)) == KIND_FILE) return status;
  }
  if (version < 0 && or_huggingface_is_folder(folder)) {
    or_text_clear(text);
    return or_text_append_string(text, folder);
  }
  return or_error(OR_NOT_FOUND, "%s: the folder has no model.onnx%s", folder,
                  version >= 0 ? " of that version" : ", no version folder with one, and no config.json");
}

static or_status_t take_text(or_text_t *text, or_status_t status, char **out) {
  if (or_ok(status)) {
    *out = text->data;
    text->data = NULL;
    text->length = text->capacity = 0;
  }
  or_text_deinit(text);
  return status;
}

or_status_t or_repository_resolve(const or_allocator_t *allocator, const char *path, char **file) {
  or_text_t text;
  or_status_t status;
  *file = NULL;
  or_text_init(&text, allocator);
  kind_t kind = path != NULL ? kind_of(path) : KIND_NONE;
  if (kind == KIND_FOLDER) {
    status = file_of_folder(path, -1, &text);
  } else if (kind == KIND_NONE) {
    status = or_error(OR_NOT_FOUND, "%s: no such file or folder", path != NULL ? path : "(no path)");
  } else if (!or_string_ends_with(path, ".onnx")) {
    status = or_error(OR_UNIMPLEMENTED, "%s: not an .onnx file; other formats are not read", path);
  } else {
    status = or_text_append_string(&text, path);
  }
  return take_text(&text, status, file);
}

typedef struct nearest_t {
  const char *wanted;
  char name[OR_REPOSITORY_NAME_BYTES];
} nearest_t;

static or_status_t keep_nearest(void *self, const char *name, const char *file) {
  nearest_t *nearest = self;
  const char *candidates[2] = {name, nearest->name};
  (void)file;
  const char *better = or_string_nearest(nearest->wanted, candidates, nearest->name[0] != '\0' ? 2 : 1);
  if (better == name) or_format(nearest->name, sizeof nearest->name, "%s", name);
  return or_status_success();
}

static or_status_t no_such_model(const or_allocator_t *allocator, const char *directory, const char *name) {
  nearest_t nearest = {.wanted = name};
  or_status_ignore(or_repository_list(allocator, directory, keep_nearest, &nearest)); /* a hint only */
  for (size_t i = 0; or_builtin_at(i) != NULL; ++i)
    or_status_ignore(keep_nearest(&nearest, or_builtin_at(i)->name, NULL)); /* never fails */
  bool found = nearest.name[0] != '\0';
  return or_error(OR_NOT_FOUND, "no model \"%s\"%s%s%s", name, found ? "; did you mean \"" : "", nearest.name,
                  found ? "\"?" : "");
}

or_status_t or_repository_find(const or_allocator_t *allocator, const char *directory, const char *name, char **file) {
  char base[OR_REPOSITORY_NAME_BYTES + 1];
  long version = -1;
  *file = NULL;
  const char *colon = strchr(name, ':');
  size_t length = colon != NULL ? (size_t)(colon - name) : strlen(name);
  or_format(base, sizeof base, "%.*s", (int)(length < sizeof base ? length : sizeof base - 1), name);
  if (colon != NULL) {
    char *end = NULL;
    version = isdigit((unsigned char)colon[1]) ? strtol(colon + 1, &end, 10) : -1;
    if (end == NULL || *end != '\0')
      return or_error(OR_INVALID_ARGUMENT, "model \"%s\": the version is not a number", name);
  }
  if (!or_repository_name_valid(base)) {
    return or_error(
        OR_INVALID_ARGUMENT,
        "model \"%s\": a name is letters, digits, '.', '_' and '-', at most 128, and starts with a letter or digit",
        name);
  }
  or_text_t text, folder;
  or_text_init(&text, allocator);
  or_text_init(&folder, allocator);
  or_status_t status = or_text_printf(&text, "%s/%s.onnx", directory, base);
  if (or_ok(status)) status = or_text_printf(&folder, "%s/%s", directory, base);
  if (or_ok(status) && (version >= 0 || kind_of(or_text_string(&text)) != KIND_FILE)) {
    status = kind_of(or_text_string(&folder)) == KIND_FOLDER ? file_of_folder(or_text_string(&folder), version, &text)
                                                             : no_such_model(allocator, directory, base);
  }
  or_text_deinit(&folder);
  return take_text(&text, status, file);
}

static bool is_version(const char *text, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    if (!isdigit((unsigned char)text[i])) return false;
  }
  return length > 0;
}

/* The last part before `end`, without slashes. */
static const char *part_before(const char *path, const char *end, size_t *length) {
  while (end > path && end[-1] == '/') --end;
  const char *begin = end;
  while (begin > path && begin[-1] != '/') --begin;
  *length = (size_t)(end - begin);
  return begin;
}

char *or_repository_name_of(const char *file, char *name, size_t capacity) {
  size_t length = 0;
  const char *part = part_before(file, file + strlen(file), &length);
  if (length == strlen("model.onnx") && memcmp(part, "model.onnx", length) == 0) {
    size_t folder_length = 0;
    const char *folder = part_before(file, part, &folder_length);
    if (is_version(folder, folder_length)) folder = part_before(file, folder, &folder_length);
    if (folder_length > 0 && strspn(folder, ".") < folder_length)
      return or_format(name, capacity, "%.*s", (int)folder_length, folder);
  }
  if (or_string_ends_with(file, ".onnx")) length -= strlen(".onnx");
  return or_format(name, capacity, "%.*s", (int)length, part);
}

int64_t or_repository_version_of(const char *file) {
  size_t length = 0;
  const char *part = part_before(file, file + strlen(file), &length);
  if (strcmp(part, "model.onnx") != 0) return -1;
  const char *folder = part_before(file, part, &length);
  return is_version(folder, length) ? strtoll(folder, NULL, 10) : -1;
}

static bool has_model(const char *directory, const char *name, const char *version) {
  char path[4096];
  const int length = snprintf(path, sizeof path, "%s/%s/%s/model.onnx", directory, name, version);
  return length > 0 && (size_t)length < sizeof path && kind_of(path) == KIND_FILE;
}

void or_repository_versions(const char *directory, const char *name, void (*visit)(void *self, int64_t version),
                            void *self) {
  char path[4096];
  int64_t versions[OR_REPOSITORY_MAX_VERSIONS];
  size_t count = 0;
  DIR *handle = opendir(or_format(path, sizeof path, "%s/%s", directory, name));
  if (handle == NULL) return;
  for (struct dirent *entry; (entry = readdir(handle)) != NULL;) {
    char *end = NULL;
    if (!isdigit((unsigned char)entry->d_name[0]) || (entry->d_name[0] == '0' && entry->d_name[1] != '\0')) continue;
    const int64_t version = strtoll(entry->d_name, &end, 10);
    if (*end != '\0' || version == INT64_MAX || !has_model(directory, name, entry->d_name)) continue;
    const bool full = count == OR_REPOSITORY_MAX_VERSIONS;
    if (full && version < versions[0]) continue;
    if (full) memmove(versions, versions + 1, --count * sizeof *versions);
    size_t at = count++;
    for (; at > 0 && versions[at - 1] > version; --at) versions[at] = versions[at - 1];
    versions[at] = version;
  }
  (void)closedir(handle);
  for (size_t i = 0; i < count; ++i) visit(self, versions[i]);
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Entries that are models by their names, "x.onnx" and folders alike; the caller frees each and the array. */
static or_status_t read_names(const or_allocator_t *allocator, const char *directory, char ***names, size_t *count) {
  size_t capacity = 0;
  DIR *handle = opendir(directory);
  if (handle == NULL) return or_error(OR_NOT_FOUND, "%s: can't be read as a folder", directory);
  or_status_t status = or_status_success();
  for (struct dirent *entry; or_ok(status) && (entry = readdir(handle)) != NULL;) {
    if (!or_repository_name_valid(entry->d_name)) continue;
    if (*count == MAX_MODELS) {
      status = or_error(OR_RESOURCE_EXHAUSTED, "%s: more than %u entries", directory, MAX_MODELS);
      break;
    }
    void *array = *names;
    status = or_grow_array(allocator, *count + 1, sizeof **names, &array, &capacity);
    *names = array;
    if (or_ok(status)) status = or_strdup(allocator, entry->d_name, &(*names)[*count]);
    if (or_ok(status)) ++*count;
  }
  (void)closedir(handle);
  return status;
}

/* One entry of the folder, if it is a model. */
static or_status_t visit_entry(const char *directory, const char *entry, or_text_t *path, or_text_t *file,
                               or_repository_visit_t visit, void *self) {
  char name[OR_REPOSITORY_NAME_BYTES];
  or_text_clear(path);
  or_status_t status = or_text_printf(path, "%s/%s", directory, entry);
  if (!or_ok(status)) return status;
  kind_t kind = kind_of(or_text_string(path));
  if (kind == KIND_FILE && or_string_ends_with(entry, ".onnx"))
    return visit(self, or_repository_name_of(or_text_string(path), name, sizeof name), or_text_string(path));
  if (kind != KIND_FOLDER) return status;
  status = file_of_folder(or_text_string(path), -1, file);
  if (or_ok(status)) return visit(self, entry, or_text_string(file));
  if (or_status_code(status) != OR_NOT_FOUND) return status;
  or_status_ignore(status); /* a folder without a model is no model */
  return or_status_success();
}

or_status_t or_repository_list(const or_allocator_t *allocator, const char *directory, or_repository_visit_t visit,
                               void *self) {
  char **names = NULL;
  size_t count = 0;
  or_text_t path, file;
  or_text_init(&path, allocator);
  or_text_init(&file, allocator);
  or_status_t status = read_names(allocator, directory, &names, &count);
  if (count > 0) qsort(names, count, sizeof *names, compare_names);
  for (size_t i = 0; or_ok(status) && i < count; ++i)
    status = visit_entry(directory, names[i], &path, &file, visit, self);
  for (size_t i = 0; i < count; ++i) or_free(allocator, names[i]);
  or_free(allocator, names);
  or_text_deinit(&path);
  or_text_deinit(&file);
  return status;
}
