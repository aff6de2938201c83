/* The fields of a benchmark that say which models run, and how. */
#include <math.h>
#include <string.h>

#include "task/task_internal.h"

static const char *const scenarios[] = {"single-stream", "offline", "server"};
#define SCENARIO_COUNT (sizeof scenarios / sizeof *scenarios)

static or_status_t parse_models(or_task_t *task, const char *loc, const or_json_value_t *value,
                                or_task_problems_t *problems);
static or_status_t parse_dims(or_task_t *task, const char *loc, const or_json_value_t *value,
                              or_task_problems_t *problems);
static void parse_scenario(or_task_t *task, const char *loc, const or_json_value_t *value,
                           or_task_problems_t *problems);

const char *or_scenario_name(or_scenario_t scenario) { return scenarios[scenario]; }

bool or_task_parse_ml(or_task_t *task, const char *name, const char *loc, const or_json_value_t *value,
                      or_task_problems_t *problems, or_status_t *status) {
  if (strcmp(task->kind->operation, "benchmark") != 0) return false;
  if (strcmp(name, "models") == 0) {
    *status = parse_models(task, loc, value, problems);
  } else if (strcmp(name, "dims") == 0) {
    *status = parse_dims(task, loc, value, problems);
  } else if (strcmp(name, "scenario") == 0) {
    parse_scenario(task, loc, value, problems);
  } else if (strcmp(name, "qps") == 0) {
    task->parameters.ml.qps = or_json_get_double(value, NAN);
    if (!(task->parameters.ml.qps > 0 && task->parameters.ml.qps <= OR_TASK_MAX_QPS))
      or_task_problem(problems, loc, "value_error.range", "must be above 0 and at most %g a second", OR_TASK_MAX_QPS);
  } else {
    return false;
  }
  return true;
}

static or_status_t parse_models(or_task_t *task, const char *loc, const or_json_value_t *value,
                                or_task_problems_t *problems) {
  or_task_ml_t *ml = &task->parameters.ml;
  size_t count = or_json_count(value);
  or_status_t status = or_status_success();
  if (or_json_kind(value) != OR_JSON_ARRAY || count == 0 || count > OR_TASK_MAX_MODELS) {
    or_task_problem(problems, loc, "type_error.array", "must be an array of 1 to %d names", OR_TASK_MAX_MODELS);
    return status;
  }
  for (size_t i = 0; or_ok(status) && i < count; ++i) {
    const or_json_value_t *item = or_json_at(value, i);
    if (!or_task_check_text(loc, item, problems)) continue;
    status = or_arena_strndup(&task->arena, or_json_get_string(item, ""), or_json_string_length(item),
                              &ml->models[ml->model_count]);
    if (or_ok(status)) ++ml->model_count;
  }
  return status;
}

static or_status_t parse_dims(or_task_t *task, const char *loc, const or_json_value_t *value,
                              or_task_problems_t *problems) {
  or_task_ml_t *ml = &task->parameters.ml;
  or_status_t status = or_status_success();
  if (or_json_kind(value) != OR_JSON_OBJECT || or_json_count(value) > OR_TASK_MAX_DIMS) {
    or_task_problem(problems, loc, "type_error.object", "must be an object of at most %d extents by name",
                    OR_TASK_MAX_DIMS);
    return status;
  }
  for (size_t i = 0; or_ok(status) && i < or_json_count(value); ++i) {
    const or_json_value_t *item = NULL;
    char where[160];
    const char *name = or_json_key_at(value, i, &item);
    int64_t extent = or_json_get_int(item, -1);
    or_format(where, sizeof where, "%s.%s", loc, name);
    if (or_json_kind(item) != OR_JSON_INTEGER || extent < 0 || extent > OR_TASK_MAX_EXTENT) {
      or_task_problem(problems, where, "value_error.range", "must be a whole number from 0 to %lld",
                      (long long)OR_TASK_MAX_EXTENT);
      continue;
    }
    status = or_arena_strndup(&task->arena, name, strlen(name), &ml->dims[ml->dim_count].name);
    if (or_ok(status)) ml->dims[ml->dim_count++].extent = extent;
  }
  return status;
}

static void parse_scenario(or_task_t *task, const char *loc, const or_json_value_t *value,
                           or_task_problems_t *problems) {
  const char *word = or_json_get_string(value, "");
  for (size_t i = 0; i < SCENARIO_COUNT; ++i) {
    if (strcmp(scenarios[i], word) != 0) continue;
    task->parameters.ml.scenario = (or_scenario_t)i;
    return;
  }
  or_task_problem(problems, loc, "value_error.enum", "\"%.64s\" is none of: single-stream, offline, server", word);
}

void or_task_check_ml(const or_task_t *task, or_task_problems_t *problems) {
  const or_task_parameters_t *p = &task->parameters;
  if (strcmp(task->kind->operation, "benchmark") != 0 || problems->count > 0) return;
  bool server = p->ml.scenario == OR_SCENARIO_SERVER;
  if (server && p->ml.qps == 0) {
    or_task_problem(problems, "data.qps", "value_error.missing",
                    "the server scenario needs it: how many queries arrive in a second");
  } else if (!server && p->ml.qps > 0) {
    or_task_problem(problems, "data.qps", "value_error.extra", "belongs to the server scenario, not to %s",
                    scenarios[p->ml.scenario]);
  }
}
