/* help, version, completion and the man page: all from the table of commands. */
#include <string.h>

#include "cli/cli.h"

static void print_flags(FILE *out, const or_cli_flag_t *flags) {
  for (; flags->name != NULL; ++flags) {
    char left[64];
    char letter[8] = "    ";
    if (flags->letter != 0) or_format(letter, sizeof letter, "-%c, ", flags->letter);
    or_format(left, sizeof left, "%s%s%s%s", letter, flags->name, flags->value != NULL ? " " : "",
              flags->value != NULL ? flags->value : "");
    (void)fprintf(out, "  %-30s %s%s\n", left, flags->help,
                  flags->repeated && flags->value != NULL ? " (may be repeated)" : "");
  }
}

static void print_program_help(const or_cli_t *cli) {
  const char *bold = or_cli_style(cli, OR_CLI_BOLD), *plain = or_cli_style(cli, OR_CLI_PLAIN);
  (void)printf("Computes and runs neural networks on the accelerators of this machine.\n\n"
               "%sUsage:%s openruntime [FLAGS] COMMAND [ARGUMENTS]\n\n%sCommands:%s\n",
               bold, plain, bold, plain);
  for (size_t i = 0; or_cli_command_at(i) != NULL; ++i) {
    const or_cli_command_t *command = or_cli_command_at(i);
    if (command->run != NULL) (void)printf("  %-12s %s\n", command->name, command->summary);
  }
  (void)printf("\n%sFlags of every command:%s\n", bold, plain);
  print_flags(stdout, or_cli_global_flags);
  (void)printf("\n%sExamples:%s\n  openruntime devices\n  openruntime run -t matrix_multiply -s 1024\n"
               "\nHelp of a command: openruntime help COMMAND\n",
               bold, plain);
}

static void print_types(void) {
  (void)printf("\nOperations and types:\n");
  for (size_t i = 0; or_task_type_info(i) != NULL; ++i) {
    const or_task_type_info_t *info = or_task_type_info(i);
    (void)printf("  %-10s %-18s %s\n%31s fields: %s\n", info->operation, info->name, info->summary, "",
                 info->parameters);
  }
}

static void print_command_help(const or_cli_t *cli, const or_cli_command_t *command) {
  const char *bold = or_cli_style(cli, OR_CLI_BOLD), *plain = or_cli_style(cli, OR_CLI_PLAIN);
  (void)printf("%s: %s\n\n%sUsage:%s openruntime [FLAGS] %s%s%s%s\n", command->name, command->summary, bold, plain,
               command->name, command->words[0] != '\0' ? " " : "", command->words,
               command->flags[0].name != NULL ? " [FLAGS]" : "");
  if (command->flags[0].name != NULL) {
    (void)printf("\n%sFlags:%s\n", bold, plain);
    print_flags(stdout, command->flags);
  }
  (void)printf("\n%sFlags of every command:%s\n", bold, plain);
  print_flags(stdout, or_cli_global_flags);
  if (command->run == or_cli_run_command) print_types();
  (void)printf("\n%sExamples:%s\n", bold, plain);
  for (size_t i = 0; i < 4 && command->examples[i] != NULL; ++i) (void)printf("  %s\n", command->examples[i]);
  if (command->run == NULL) (void)printf("\nThis version has no server, and this command belongs to it.\n");
}

static void write_flags(or_json_writer_t *json, const or_cli_flag_t *flags) {
  or_json_key(json, "flags");
  or_json_array_begin(json);
  for (; flags->name != NULL; ++flags) {
    char letter[2] = {flags->letter, '\0'};
    or_json_object_begin(json);
    or_json_field_string(json, "name", flags->name);
    or_json_field_string(json, "letter", flags->letter != 0 ? letter : NULL);
    or_json_field_string(json, "value", flags->value);
    or_json_field_string(json, "help", flags->help);
    or_json_object_end(json);
  }
  or_json_array_end(json);
}

static void write_command(or_json_writer_t *json, const or_cli_command_t *command) {
  or_json_object_begin(json);
  or_json_field_string(json, "name", command->name);
  or_json_field_string(json, "arguments", command->words);
  or_json_field_string(json, "summary", command->summary);
  or_json_field_bool(json, "available", command->run != NULL);
  write_flags(json, command->flags);
  or_json_key(json, "examples");
  or_json_array_begin(json);
  for (size_t i = 0; i < 4 && command->examples[i] != NULL; ++i) or_json_string(json, command->examples[i]);
  or_json_array_end(json);
  or_json_object_end(json);
}

static int help_as_json(or_cli_t *cli, const or_cli_command_t *only) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  write_flags(&json, or_cli_global_flags);
  or_json_key(&json, "commands");
  or_json_array_begin(&json);
  for (size_t i = 0; or_cli_command_at(i) != NULL; ++i) {
    if (only == NULL || only == or_cli_command_at(i)) write_command(&json, or_cli_command_at(i));
  }
  or_json_array_end(&json);
  or_json_object_end(&json);
  return or_cli_print_json(cli, &json, &text);
}

int or_cli_help_command(or_cli_t *cli) {
  const or_cli_command_t *command = cli->command;
  if (command != NULL && command->run == or_cli_help_command) {
    const char *name = cli->arguments.word_count > 0 ? cli->arguments.words[0] : NULL;
    if (name == NULL && !or_cli_has(cli, "--help")) command = NULL;
    if (name != NULL) {
      command = or_cli_command_find(name);
      if (command == NULL) return or_cli_unknown_command(cli, name);
    }
  }
  if (cli->json) return help_as_json(cli, command);
  if (command != NULL) {
    print_command_help(cli, command);
  } else {
    print_program_help(cli);
  }
  return OR_EXIT_OK;
}

int or_cli_version_command(or_cli_t *cli) {
  or_text_t text;
  or_json_writer_t json;
  if (!cli->json) {
    (void)printf("openruntime %s\n", or_version_details());
    return OR_EXIT_OK;
  }
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "version", or_version());
  or_json_field_string(&json, "details", or_version_details());
  or_json_object_end(&json);
  return or_cli_print_json(cli, &json, &text);
}
