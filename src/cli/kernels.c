#include "cli/kernels.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/cache_folder.h"
#include "base/file.h"

#define ENDING ".json"
#define MAX_FILE_BYTES ((size_t)16 << 20)
#define MAX_LISTED 4096

/* CACHE/kernels/NAME.json; false: nothing is kept, or the path is too long. */
static bool path_of(const or_cli_t *cli, const char *name, char path[OR_FILE_PATH_BYTES]) {
  char memory[OR_FILE_PATH_BYTES];
  const char *cache = or_cli_cache_folder(cli, memory);
  if (cache == NULL || strlen(cache) + strlen(name) + 32 > OR_FILE_PATH_BYTES) return false;
  or_format(path, OR_FILE_PATH_BYTES, "%s/kernels%s%s%s", cache, name[0] != '\0' ? "/" : "", name,
            name[0] != '\0' ? ENDING : "");
  return true;
}

static or_status_t keep(void *self, const or_kernel_record_t *record) {
  const or_cli_t *cli = self;
  char path[OR_FILE_PATH_BYTES], absolute[OR_FILE_PATH_BYTES];
  or_text_t text;
  if (!path_of(cli, "", path)) return or_status_success();
  or_text_init(&text, cli->allocator);
  or_status_t status = or_cache_folder_open(path, absolute, sizeof absolute);
  if (or_ok(status)) status = or_kernel_record_write(record, &text);
  if (or_ok(status) && path_of(cli, record->name, path))
    status = or_file_write(path, or_text_string(&text), text.length);
  or_text_deinit(&text);
  return or_status_context(status, "the kernel was compiled, but can't be kept (--cache names another folder)");
}

or_status_t or_cli_kernels_open(or_cli_t *cli, bool keeps, or_kernel_registry_t **out) {
  const or_kernel_keeper_t keeper = {cli, keep, NULL};
  const or_kernel_registry_options_t options = {.runtime = cli->runtime, .keeper = keeps ? &keeper : NULL};
  return or_kernel_registry_create(&options, out);
}

static or_status_t unknown(const char *name) {
  return or_error(OR_NOT_FOUND, "no kernel \"%.128s\"; compile one first: openruntime kernels compile FILE", name);
}

or_status_t or_cli_kernels_recall(or_cli_t *cli, or_kernel_registry_t *registry, const char *name) {
  char path[OR_FILE_PATH_BYTES], *text = NULL;
  size_t length = 0;
  or_kernel_reading_t made;
  or_kernel_record_t record;
  if (!or_kernel_name_valid(name) || !path_of(cli, name, path)) return unknown(name);
  or_status_t status = or_file_read(cli->allocator, path, MAX_FILE_BYTES, &text, &length);
  if (or_status_code(status) == OR_NOT_FOUND) {
    or_status_ignore(status); /* said in other words */
    return unknown(name);
  }
  if (or_ok(status)) status = or_kernel_record_read(cli->allocator, text, length, &made, &record);
  or_free(cli->allocator, text);
  if (!or_ok(status)) return or_status_context(status, "%.200s", path);
  if (cli->device != NULL) record.target = cli->device;
  status = or_kernel_registry_recall(registry, &record);
  or_kernel_reading_deinit(&made);
  return status;
}

/* The name that a file stands for; false: it is none of ours. */
static bool name_of(const char *file, char name[OR_KERNEL_NAME_BYTES + 1]) {
  const size_t length = strlen(file);
  if (!or_string_ends_with(file, ENDING) || length > OR_KERNEL_NAME_BYTES + sizeof ENDING - 1) return false;
  or_format(name, OR_KERNEL_NAME_BYTES + 1, "%.*s", (int)(length - (sizeof ENDING - 1)), file);
  return or_kernel_name_valid(name);
}

typedef char name_t[OR_KERNEL_NAME_BYTES + 1];

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

static or_status_t collect(const or_cli_t *cli, DIR *folder, name_t **names, size_t *count) {
  or_status_t status = or_status_success();
  size_t capacity = 0;
  void *array = NULL;
  const struct dirent *item;
  while (or_ok(status) && *count < MAX_LISTED && (item = readdir(folder)) != NULL) {
    name_t name;
    if (!name_of(item->d_name, name)) continue;
    status = or_grow_array(cli->allocator, *count + 1, sizeof(name_t), &array, &capacity);
    *names = array;
    if (or_ok(status)) memcpy((*names)[(*count)++], name, sizeof name);
  }
  return status;
}

or_status_t or_cli_kernels_list(or_cli_t *cli, or_json_writer_t *json) {
  char path[OR_FILE_PATH_BYTES], words[128];
  name_t *names = NULL;
  size_t count = 0;
  if (!path_of(cli, "", path)) return or_status_success();
  DIR *folder = opendir(path);
  if (folder == NULL && errno == ENOENT) return or_status_success();
  if (folder == NULL)
    return or_error(OR_PERMISSION_DENIED, "%.200s: %s", path, or_errno_text(errno, words, sizeof words));
  or_status_t status = collect(cli, folder, &names, &count);
  (void)closedir(folder); /* it was only read */
  if (count > 0) qsort(names, count, sizeof *names, by_name);
  for (size_t i = 0; or_ok(status) && i < count; ++i) or_json_string(json, names[i]);
  or_free(cli->allocator, names);
  return status;
}

or_status_t or_cli_kernels_remove(or_cli_t *cli, const char *name) {
  char path[OR_FILE_PATH_BYTES], words[128];
  if (!or_kernel_name_valid(name) || !path_of(cli, name, path)) return unknown(name);
  if (unlink(path) == 0) return or_status_success();
  if (errno == ENOENT) return unknown(name);
  return or_error(OR_PERMISSION_DENIED, "%.200s: %s", path, or_errno_text(errno, words, sizeof words));
}

/* ---- sources ---- */

/* --name, else the file's without its ending; --entry, else the name. False: the usage error is printed. */
static bool find_names(or_cli_t *cli, or_cli_source_t *source) {
  const char *given = or_cli_value(cli, "--name"), *slash = strrchr(source->path, '/');
  const char *base = slash != NULL ? slash + 1 : source->path;
  if (given != NULL) {
    or_format(source->name, sizeof source->name, "%s", given);
  } else {
    or_format(source->name, sizeof source->name, "%.*s", (int)strcspn(base, "."), base);
  }
  source->entry = or_cli_has(cli, "--entry") ? or_cli_value(cli, "--entry") : source->name;
  if (or_kernel_name_valid(source->name) && or_kernel_name_valid(source->entry)) return true;
  const bool entry = or_kernel_name_valid(source->name);
  (void)or_cli_usage_error(cli, "kernels: \"%s\" is no name of a kernel (letters, digits, _); give --%s NAME",
                           entry ? source->entry : source->name, entry ? "entry" : "name"); /* the caller's code */
  return false;
}

/* --set D=V: a macro each; a value that is JSON is taken as such. */
static or_status_t read_macros(or_cli_t *cli, or_cli_source_t *source) {
  char field[OR_KERNEL_FIELD_BYTES];
  or_json_writer_t json;
  or_json_document_t *document = NULL;
  size_t count = 0;
  or_json_begin(&json, &source->parameters, 0);
  or_json_object_begin(&json);
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    if (strcmp(cli->arguments.flags[i].flag->name, "--set") != 0) continue;
    const char *pair = cli->arguments.flags[i].value, *equals = strchr(pair, '=');
    char name[OR_KERNEL_NAME_BYTES + 2];
    or_format(name, sizeof name, "%.*s", equals != NULL ? (int)(equals - pair) : (int)strlen(pair), pair);
    or_json_key(&json, name);
    or_json_string(&json, equals != NULL ? equals + 1 : "1");
    ++count;
  }
  or_json_object_end(&json);
  or_status_t status = or_json_finish(&json);
  if (or_ok(status) && count == 0) {
    or_text_clear(&source->parameters);
    return or_text_append_string(&source->parameters, "null");
  }
  if (or_ok(status))
    status = or_json_parse(cli->allocator, or_text_string(&source->parameters), source->parameters.length, &document);
  if (or_ok(status)) status = or_kernel_options_read(or_json_root(document), &source->options, field);
  or_json_document_free(document);
  return or_status_context(status, "--set");
}

int or_cli_source_read(or_cli_t *cli, const char *path, or_cli_source_t *source) {
  *source = (or_cli_source_t){.path = path};
  or_text_init(&source->parameters, cli->allocator);
  or_text_init(&source->options, cli->allocator);
  if (!find_names(cli, source)) return OR_EXIT_USAGE;
  or_status_t status = or_file_read(cli->allocator, path, OR_KERNEL_SOURCE_BYTES, &source->text, &source->length);
  if (or_ok(status)) status = read_macros(cli, source);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}

void or_cli_source_deinit(or_cli_t *cli, or_cli_source_t *source) {
  or_free(cli->allocator, source->text);
  or_text_deinit(&source->parameters);
  or_text_deinit(&source->options);
}

/* "WORDS NAME:LINE:COLUMN: MORE": where NAME begins, and the colon behind it. False: the line names no place. */
static bool find_place(const char *line, size_t length, const char **name, const char **place) {
  const char *const end = line + length;
  for (const char *c = memchr(line, ':', length); c != NULL; c = memchr(c + 1, ':', (size_t)(end - (c + 1)))) {
    const char *at = c + 1;
    int numbers = 0;
    for (; numbers < 2; ++numbers, ++at) {
      const char *digits = at;
      while (at < end && isdigit((unsigned char)*at)) ++at;
      if (at == digits || at == end || *at != ':') break;
    }
    if (numbers < 2) continue;
    *place = *name = c;
    while (*name > line && (*name)[-1] != ' ') --*name;
    return true;
  }
  return false;
}

/* As editors read it: the place first, then how bad it is. */
static void print_place(const char *path, const char *line, size_t length, const char *name, const char *place) {
  const char *behind = strchr(strchr(place + 1, ':') + 1, ':') + 1; /* the line and the column are there */
  (void)fprintf(stderr, "%s%.*s %.*s", path, (int)(behind - place), place, (int)(name - line), line);
  while (behind < line + length && *behind == ' ') ++behind;
  (void)fprintf(stderr, "%.*s\n", (int)(line + length - behind), behind);
}

void or_cli_print_log(const char *path, const char *log) {
  while (*log != '\0') {
    const size_t length = strcspn(log, "\n");
    const char *name = NULL, *place = NULL;
    if (find_place(log, length, &name, &place)) {
      print_place(path, log, length, name, place);
    } else if (length > 0) {
      (void)fprintf(stderr, "%.*s\n", (int)length, log);
    }
    log += length + (log[length] == '\n');
  }
}

int or_cli_source_compile(or_cli_t *cli, const or_cli_source_t *source, or_kernel_registry_t *registry,
                          or_kernel_entry_t **out) {
  char log[OR_KERNEL_LOG_BYTES];
  const or_kernel_record_t record = {.owner = "",
                                     .name = source->name,
                                     .entry = source->entry,
                                     .target = cli->device != NULL ? cli->device : "auto",
                                     .source = source->text,
                                     .source_bytes = source->length,
                                     .parameters = or_text_string(&source->parameters),
                                     .options = or_text_string(&source->options)};
  or_device_t *device = NULL;
  or_status_t status = or_runtime_find_device(cli->runtime, record.target, &device);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  status = or_kernel_registry_compile(registry, &record, &cli->cancel, log, out);
  if (!cli->quiet || !or_ok(status)) or_cli_print_log(source->path, log);
  const or_status_code_t code = or_status_code(status);
  if (code == OR_NOT_FOUND) { /* the device is there */
    or_status_ignore(status);
    status = or_error(OR_INVALID_ARGUMENT, "%.400s has no kernel \"%s\"; --entry NAME names the one that is meant",
                      source->path, source->entry);
  }
  if (code == OR_INVALID_ARGUMENT && log[0] != '\0' && !cli->json) {
    or_status_ignore(status); /* the log has said why */
    status = or_error(OR_INVALID_ARGUMENT, "%.400s does not compile", source->path);
  }
  cli->log = log[0] != '\0' ? log : NULL;
  const int exit_code = or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
  cli->log = NULL;
  return exit_code;
}
