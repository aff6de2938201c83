#include <string.h>
#include <sys/stat.h>

#include "base/string.h"
#include "cli/cli.h"
#include "cli/models.h"
#include "cli/models_print.h"
#include "cli/remote.h"
#include "model/builtin/builtin.h"
#include "model/model_json.h"
#include "model/repository.h"

static int list_models(or_cli_t *cli);
static int show_model(or_cli_t *cli, const char *name);
static int export_model(or_cli_t *cli, const char *name, const char *path);

int or_cli_models_command(or_cli_t *cli) {
  static const char *const of_servers[] = {"load", "unload", "remove"};
  const char *action = cli->arguments.word_count > 0 ? cli->arguments.words[0] : "list";
  if (or_cli_is_remote(cli)) return or_cli_models_remote(cli);
  if (!or_cli_runtime(cli)) return cli->code;
  if (strcmp(action, "list") == 0 && cli->arguments.word_count > 1)
    return or_cli_usage_error(cli, "models list: unexpected \"%s\"", cli->arguments.words[1]);
  if (strcmp(action, "list") == 0) return list_models(cli);
  if (strcmp(action, "show") == 0) {
    if (cli->arguments.word_count != 2) return or_cli_usage_error(cli, "models show needs a NAME");
    return show_model(cli, cli->arguments.words[1]);
  }
  if (strcmp(action, "export") == 0) {
    if (cli->arguments.word_count != 3) return or_cli_usage_error(cli, "models export needs a NAME and a FILE.onnx");
    if (!or_string_ends_with(cli->arguments.words[2], ".onnx"))
      return or_cli_usage_error(cli, "models export: \"%s\" must end in .onnx", cli->arguments.words[2]);
    return export_model(cli, cli->arguments.words[1], cli->arguments.words[2]);
  }
  if (strcmp(action, "pull") == 0)
    return or_cli_fail(cli, or_error(OR_UNIMPLEMENTED, "models pull: this version lists, shows and exports models"));
  for (size_t i = 0; i < sizeof of_servers / sizeof *of_servers; ++i) {
    if (strcmp(of_servers[i], action) == 0)
      return or_cli_usage_error(cli, "models %s is of a running server: name it by --url or OPENRUNTIME_URL", action);
  }
  return or_cli_usage_error(cli, "models \"%s\"? There are: list, show, export", action);
}

/* A listing being written. */
typedef struct listing_t {
  or_json_writer_t *json;
  size_t count;
  uint32_t shadowed; /* bits: built-in networks whose name a model of the folder has */
} listing_t;

static void add_row(const listing_t *listing, const char *name, const char *file) {
  or_json_object_begin(listing->json);
  or_json_field_string(listing->json, "name", name);
  or_json_field_string(listing->json, "file", file);
  or_json_field_string(listing->json, "state", "available");
  or_json_field_string(listing->json, "weights", file != NULL ? "file" : "synthetic");
  or_json_object_end(listing->json);
}

static or_status_t list_one(void *self, const char *name, const char *file) {
  listing_t *listing = self;
  ++listing->count;
  add_row(listing, name, file);
  for (uint32_t i = 0; or_builtin_at(i) != NULL; ++i) {
    if (strcmp(or_builtin_at(i)->name, name) == 0) listing->shadowed |= UINT32_C(1) << i;
  }
  return or_status_success();
}

static int list_models(or_cli_t *cli) {
  or_text_t text;
  or_json_writer_t json;
  listing_t listing = {.json = &json};
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_key(&json, "models");
  or_json_array_begin(&json);
  or_status_t status = or_repository_list(cli->allocator, cli->models_directory, list_one, &listing);
  if (or_status_code(status) == OR_NOT_FOUND && !or_cli_has(cli, "--models")) {
    or_status_ignore(status); /* the default folder need not be there: no models */
    status = or_status_success();
  }
  if (!or_ok(status)) {
    or_status_ignore(json.status);
    or_text_deinit(&text);
    return or_cli_fail(cli, or_status_context(status, "models"));
  }
  for (uint32_t i = 0; or_builtin_at(i) != NULL; ++i) {
    if ((listing.shadowed >> i & 1) == 0) add_row(&listing, or_builtin_at(i)->name, NULL);
  }
  or_json_array_end(&json);
  or_json_object_end(&json);
  const int code = or_cli_show_written(cli, &json, &text, or_cli_print_models);
  if (code == OR_EXIT_OK && listing.count == 0 && !cli->json && !cli->quiet)
    (void)fprintf(stderr, "no model files in %s; name another folder with --models\n", cli->models_directory);
  return code;
}

/* NULL: the model is in no file. */
static const char *file_of(const or_model_t *model) {
  return or_model_path(model)[0] != '\0' ? or_model_path(model) : NULL;
}

static int show_loaded(or_cli_t *cli, const or_model_t *model) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", or_model_name(model));
  or_json_field_string(&json, "file", file_of(model));
  or_json_field_string(&json, "state", "available");
  or_json_field_string(&json, "weights", or_model_weights(model));
  or_json_field_int(&json, "nodes", (int64_t)or_model_node_count(model));
  or_json_key(&json, "bytes");
  or_json_object_begin(&json);
  or_json_field_int(&json, "weights", (int64_t)or_model_weight_bytes(model));
  or_json_object_end(&json);
  or_model_json_values(&json, model, true);
  or_model_json_values(&json, model, false);
  or_json_key(&json, "labels");
  or_json_array_begin(&json);
  for (size_t i = 0; i < or_model_label_count(model); ++i) or_json_string(&json, or_model_label(model, i));
  or_json_array_end(&json);
  or_json_object_end(&json);
  return or_cli_show_written(cli, &json, &text, or_cli_print_model);
}

static int show_model(or_cli_t *cli, const char *name) {
  or_model_t *model = NULL;
  or_status_t status = or_cli_load_model(cli, name, &model);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  const int code = show_loaded(cli, model);
  or_model_release(model);
  return code;
}

static bool show_export(void *self, double fraction) {
  or_cli_t *cli = self;
  or_cli_progress(cli, fraction, "writing");
  return !or_cancel_requested(&cli->cancel);
}

/* The bytes of a file; 0 if it is not there. */
static uint64_t size_of(or_cli_t *cli, const char *path, const char *ending) {
  or_text_t text;
  struct stat info;
  uint64_t size = 0;
  or_text_init(&text, cli->allocator);
  or_status_t status = or_text_printf(&text, "%s%s", path, ending);
  if (or_ok(status) && stat(or_text_string(&text), &info) == 0) size = (uint64_t)info.st_size;
  or_status_ignore(status); /* a fact for the answer only */
  or_text_deinit(&text);
  return size;
}

static int export_model(or_cli_t *cli, const char *name, const char *path) {
  or_model_t *model = NULL;
  const or_model_export_options_t options = {.replace = or_cli_has(cli, "--force"),
                                             .external_data = or_cli_has(cli, "--external-data"),
                                             .progress = show_export,
                                             .progress_self = cli};
  or_status_t status = or_cli_load_model(cli, name, &model);
  if (or_ok(status)) status = or_model_export(model, path, &options);
  or_cli_progress_end(cli);
  if (or_status_code(status) == OR_ALREADY_EXISTS) {
    or_status_t hinted = or_error(OR_ALREADY_EXISTS, "%s; --force replaces it", or_status_message(status));
    or_status_ignore(status); /* said with the cure */
    status = hinted;
  }
  if (!or_ok(status)) {
    or_model_release(model);
    return or_cli_fail(cli, status);
  }
  const uint64_t bytes = size_of(cli, path, "");
  const uint64_t data_bytes = bytes < or_model_weight_bytes(model) ? size_of(cli, path, ".data") : 0;
  int code = OR_EXIT_OK;
  if (cli->json) {
    or_text_t text;
    or_json_writer_t json;
    or_text_init(&text, cli->allocator);
    or_json_begin(&json, &text, 2);
    or_json_object_begin(&json);
    or_json_field_string(&json, "model", or_model_name(model));
    or_json_field_string(&json, "file", path);
    or_json_field_int(&json, "bytes", (int64_t)(bytes + data_bytes));
    or_json_field_string(&json, "weights", or_model_weights(model));
    or_json_object_end(&json);
    code = or_cli_print_json(cli, &json, &text);
  } else {
    char text[OR_CLI_NUMBER_BYTES];
    (void)printf("%s: %s\n", path, or_cli_bytes(bytes, text, sizeof text));
    if (data_bytes > 0) (void)printf("%s.data: %s\n", path, or_cli_bytes(data_bytes, text, sizeof text));
    or_cli_note_weights(or_model_weights(model));
  }
  or_model_release(model);
  return code;
}
