/* argv into flags and words, by the table of commands. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/string.h"
#include "cli/arguments.h"

static const or_cli_flag_t *find_flag(const or_cli_command_t *command, const char *name, size_t length, char letter) {
  const or_cli_flag_t *lists[2] = {command != NULL ? command->flags : NULL, or_cli_global_flags};
  for (int l = 0; l < 2; ++l) {
    for (const or_cli_flag_t *flag = lists[l]; flag != NULL && flag->name != NULL; ++flag) {
      if (letter != 0 ? flag->letter == letter : strlen(flag->name) == length && memcmp(flag->name, name, length) == 0)
        return flag;
    }
  }
  return NULL;
}

/* By the words behind the hyphens, which all have in common; without the hyphens. */
static const char *nearest_flag(const or_cli_command_t *command, const char *argument, size_t length) {
  const char *candidates[2 * OR_CLI_MAX_FLAGS];
  char name[48];
  size_t count = 0;
  for (const or_cli_flag_t *flag = or_cli_global_flags; flag->name != NULL; ++flag)
    candidates[count++] = flag->name + 2;
  for (const or_cli_flag_t *flag = command != NULL ? command->flags : NULL; flag != NULL && flag->name != NULL;
       ++flag) {
    if (count < sizeof candidates / sizeof *candidates) candidates[count++] = flag->name + 2;
  }
  or_format(name, sizeof name, "%.*s", (int)(length - 2), argument + 2);
  return or_string_nearest(name, candidates, count);
}

int or_cli_unknown_command(or_cli_t *cli, const char *name) {
  const char *names[64];
  size_t count = 0;
  for (; or_cli_command_at(count) != NULL && count < 64; ++count) names[count] = or_cli_command_at(count)->name;
  const char *nearest = or_string_nearest(name, names, count);
  if (nearest == NULL) return or_cli_usage_error(cli, "unknown command \"%s\"", name);
  return or_cli_usage_error(cli, "unknown command \"%s\"; did you mean \"%s\"?", name, nearest);
}

/* Room for a flag or word; arguments beyond it are a wrong command line. */
static int keep_flag(or_cli_t *cli, const or_cli_flag_t *flag, const char *value) {
  or_cli_arguments_t *arguments = &cli->arguments;
  if (arguments->flag_count == OR_CLI_MAX_VALUES)
    return or_cli_usage_error(cli, "more than %d flags", OR_CLI_MAX_VALUES);
  arguments->flags[arguments->flag_count].flag = flag;
  arguments->flags[arguments->flag_count++].value = value;
  return OR_EXIT_OK;
}

/* A command that is not there yet: its flags are not known, and not the mistake. */
static bool belongs_to_later(const or_cli_t *cli) { return cli->command != NULL && cli->command->run == NULL; }

/* "--name", "--name=value", "--name value". *used counts the arguments taken. */
static int parse_long(or_cli_t *cli, int count, char **arguments, int *used) {
  const char *argument = arguments[0], *equals = strchr(argument, '=');
  size_t length = equals != NULL ? (size_t)(equals - argument) : strlen(argument);
  const or_cli_flag_t *flag = find_flag(cli->command, argument, length, 0);
  *used = 1;
  if (flag == NULL && belongs_to_later(cli)) return OR_EXIT_OK;
  if (flag == NULL) {
    const char *nearest = nearest_flag(cli->command, argument, length);
    if (nearest == NULL) return or_cli_usage_error(cli, "unknown flag \"%.*s\"", (int)length, argument);
    return or_cli_usage_error(cli, "unknown flag \"%.*s\"; did you mean \"--%s\"?", (int)length, argument, nearest);
  }
  if (flag->value == NULL) {
    if (equals != NULL) return or_cli_usage_error(cli, "%s takes no value", flag->name);
    return keep_flag(cli, flag, NULL);
  }
  if (equals != NULL) return keep_flag(cli, flag, equals + 1);
  if (count < 2) return or_cli_usage_error(cli, "%s needs a value: %s %s", flag->name, flag->name, flag->value);
  *used = 2;
  return keep_flag(cli, flag, arguments[1]);
}

/* "-v", "-vv", "-s1024", "-s 1024". */
static int parse_short(or_cli_t *cli, int count, char **arguments, int *used) {
  *used = 1;
  for (const char *letter = arguments[0] + 1; *letter != '\0'; ++letter) {
    const or_cli_flag_t *flag = find_flag(cli->command, "", 0, *letter);
    if (flag == NULL && belongs_to_later(cli)) return OR_EXIT_OK;
    if (flag == NULL) return or_cli_usage_error(cli, "unknown flag \"-%c\"", *letter);
    if (flag->value == NULL) {
      int code = keep_flag(cli, flag, NULL);
      if (code != OR_EXIT_OK) return code;
      continue;
    }
    if (letter[1] != '\0') return keep_flag(cli, flag, letter + 1);
    if (count < 2) return or_cli_usage_error(cli, "-%c needs a value: -%c %s", *letter, *letter, flag->value);
    *used = 2;
    return keep_flag(cli, flag, arguments[1]);
  }
  return OR_EXIT_OK;
}

static int check_words(or_cli_t *cli) {
  const or_cli_command_t *command = cli->command;
  if (or_cli_has(cli, "--help") || command->run == NULL) return OR_EXIT_OK;
  if (cli->arguments.word_count < command->min_words)
    return or_cli_usage_error(cli, "%s needs %s", command->name, command->words);
  if (cli->arguments.word_count > command->max_words)
    return or_cli_usage_error(cli, "%s: unexpected \"%s\"", command->name, cli->arguments.words[command->max_words]);
  return OR_EXIT_OK;
}

int or_cli_parse(or_cli_t *cli, int count, char **arguments) {
  bool only_words = false;
  for (int i = 0, used = 1; i < count; i += used) {
    const char *argument = arguments[i];
    int code = OR_EXIT_OK;
    used = 1;
    if (!only_words && strcmp(argument, "--") == 0) {
      only_words = true;
    } else if (!only_words && strncmp(argument, "--", 2) == 0) {
      code = parse_long(cli, count - i, arguments + i, &used);
    } else if (!only_words && argument[0] == '-' && argument[1] != '\0') {
      code = parse_short(cli, count - i, arguments + i, &used);
    } else if (cli->command == NULL) {
      cli->command = or_cli_command_find(argument);
      if (cli->command == NULL) return or_cli_unknown_command(cli, argument);
    } else if (cli->arguments.word_count == OR_CLI_MAX_VALUES) {
      code = or_cli_usage_error(cli, "more than %d arguments", OR_CLI_MAX_VALUES);
    } else {
      cli->arguments.words[cli->arguments.word_count++] = argument;
    }
    if (code != OR_EXIT_OK) return code;
  }
  return cli->command != NULL ? check_words(cli) : OR_EXIT_OK;
}

const char *or_cli_value(const or_cli_t *cli, const char *name) {
  for (size_t i = cli->arguments.flag_count; i-- > 0;) {
    if (strcmp(cli->arguments.flags[i].flag->name, name) == 0) return cli->arguments.flags[i].value;
  }
  return NULL;
}

bool or_cli_has(const or_cli_t *cli, const char *name) {
  for (size_t i = 0; i < cli->arguments.flag_count; ++i) {
    if (strcmp(cli->arguments.flags[i].flag->name, name) == 0) return true;
  }
  return false;
}

bool or_cli_integer(const or_cli_t *cli, const char *flag, int64_t low, int64_t high, int64_t fallback, int64_t *out) {
  const char *text = or_cli_value(cli, flag);
  char *end = NULL;
  *out = fallback;
  if (text == NULL) return true;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || errno == ERANGE || value < low || value > high) {
    (void)or_cli_usage_error((or_cli_t *)(uintptr_t)cli, "%s %s: must be a whole number from %lld to %lld", flag, text,
                             (long long)low, (long long)high);
    return false;
  }
  *out = value;
  return true;
}

bool or_cli_number(const or_cli_t *cli, const char *flag, double low, double high, double fallback, double *out) {
  const char *text = or_cli_value(cli, flag);
  char *end = NULL;
  *out = fallback;
  if (text == NULL) return true;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= low && value <= high)) {
    (void)or_cli_usage_error((or_cli_t *)(uintptr_t)cli, "%s %s: must be a number from %g to %g", flag, text, low,
                             high);
    return false;
  }
  *out = value;
  return true;
}
