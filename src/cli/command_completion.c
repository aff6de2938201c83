/* Completion scripts and the man page, from the table of commands. */
#include <string.h>

#include "cli/cli.h"

static void print_names(const or_cli_flag_t *flags) {
  for (; flags->name != NULL; ++flags) (void)printf("%s ", flags->name);
}

static void print_bash(void) {
  (void)printf(
      "# bash completion for openruntime\n_openruntime() {\n  local cur=${COMP_WORDS[COMP_CWORD]} command= word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case $word in\n");
  for (size_t i = 0; or_cli_command_at(i) != NULL; ++i)
    (void)printf("%s%s", i > 0 ? "|" : "    ", or_cli_command_at(i)->name);
  (void)printf(") command=$word; break ;;\n    esac\n  done\n  local global=\"");
  print_names(or_cli_global_flags);
  (void)printf("\"\n  case $command in\n    '') COMPREPLY=($(compgen -W \"$global");
  for (size_t i = 0; or_cli_command_at(i) != NULL; ++i) (void)printf(" %s", or_cli_command_at(i)->name);
  (void)printf("\" -- \"$cur\")) ;;\n");
  for (size_t i = 0; or_cli_command_at(i) != NULL; ++i) {
    (void)printf("    %s) COMPREPLY=($(compgen -W \"$global ", or_cli_command_at(i)->name);
    print_names(or_cli_command_at(i)->flags);
    (void)printf("\" -- \"$cur\") $(compgen -f -- \"$cur\")) ;;\n");
  }
  (void)printf("  esac\n}\ncomplete -o filenames -F _openruntime openruntime\n");
}

/* Text within a single-quoted zsh word whose brackets and colons mean something. */
static void print_zsh_text(const char *text) {
  for (; *text != '\0'; ++text) {
    if (*text == '\'') {
      (void)printf("'\\''");
    } else {
      if (strchr("[]:\\", *text) != NULL) (void)putchar('\\');
      (void)putchar(*text);
    }
  }
}

static void print_zsh_flags(const or_cli_flag_t *flags) {
  for (; flags->name != NULL; ++flags) {
    (void)printf("    '%s%s%s[", flags->repeated ? "*" : "", flags->name, flags->value != NULL ? "=" : "");
    print_zsh_text(flags->help);
    (void)printf("]");
    if (flags->value != NULL) {
      (void)printf(":");
      print_zsh_text(flags->value);
      (void)printf(":_files");
    }
    (void)printf("' \\\n");
  }
}

static void print_zsh(void) {
  (void)printf("#compdef openruntime\n_openruntime() {\n  local -a commands\n  commands=(\n");
  for (size_t i = 0; or_cli_command_at(i) != NULL; ++i) {
    (void)printf("    '%s:", or_cli_command_at(i)->name);
    print_zsh_text(or_cli_command_at(i)->summary);
    (void)printf("'\n");
  }
  (void)printf("  )\n  local context state line\n  _arguments -C \\\n");
  print_zsh_flags(or_cli_global_flags);
  (void)printf("    '1:command:->command' '*::argument:->argument'\n  case $state in\n"
               "    command) _describe command commands ;;\n    argument) case $words[1] in\n");
  for (size_t i = 0; or_cli_command_at(i) != NULL; ++i) {
    (void)printf("    %s) _arguments \\\n", or_cli_command_at(i)->name);
    print_zsh_flags(or_cli_command_at(i)->flags);
    (void)printf("    '*:file:_files' ;;\n");
  }
  (void)printf("    esac ;;\n  esac\n}\n_openruntime \"$@\"\n");
}

/* A dash at the start of a word must be told from a hyphen. */
static void print_man_text(const char *text) {
  if (*text == '.' || *text == '\'') (void)printf("\\&");
  for (; *text != '\0'; ++text) {
    if (*text == '-' || *text == '\\') (void)putchar('\\');
    (void)putchar(*text);
  }
}

static void print_man_flags(const or_cli_flag_t *flags) {
  for (; flags->name != NULL; ++flags) {
    (void)printf(".TP\n.B ");
    if (flags->letter != 0) (void)printf("\\-%c, ", flags->letter);
    print_man_text(flags->name);
    if (flags->value != NULL) (void)printf(" \\fI%s\\fR", flags->value);
    (void)printf("\n");
    print_man_text(flags->help);
    (void)printf("\n");
  }
}

static void print_man(void) {
  (void)printf(
      ".TH OPENRUNTIME 1 \"\" \"openruntime %s\"\n.SH NAME\nopenruntime \\- compute and neural networks on the "
      "accelerators of "
      "a machine\n.SH SYNOPSIS\n.B openruntime\n[\\fIFLAGS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]\n.SH FLAGS\n",
      or_version());
  print_man_flags(or_cli_global_flags);
  (void)printf(".SH COMMANDS\n");
  for (size_t i = 0; or_cli_command_at(i) != NULL; ++i) {
    const or_cli_command_t *command = or_cli_command_at(i);
    if (command->run == NULL) continue;
    (void)printf(".SS %s %s\n", command->name, command->words);
    print_man_text(command->summary);
    (void)printf("\n");
    print_man_flags(command->flags);
    (void)printf(".PP\n.nf\n");
    for (size_t e = 0; e < 4 && command->examples[e] != NULL; ++e) {
      print_man_text(command->examples[e]);
      (void)printf("\n");
    }
    (void)printf(".fi\n");
  }
  (void)printf(".SH EXIT STATUS\n0 done, 1 the work failed, 2 the command line is wrong, 3 the server can't be "
               "reached, 130 interrupted.\n");
}

typedef struct script_t {
  const char *name;
  void (*print)(void);
} script_t;
static const script_t scripts[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"man", print_man}};
#define SCRIPT_COUNT (sizeof scripts / sizeof *scripts)

/* With --json where each script goes, for installers; the scripts themselves are no documents. */
static int list_as_json(or_cli_t *cli, const char *name) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "name", name);
  or_json_key(&json, "available");
  or_json_array_begin(&json);
  for (size_t i = 0; i < SCRIPT_COUNT; ++i) or_json_string(&json, scripts[i].name);
  or_json_array_end(&json);
  or_json_object_end(&json);
  return or_cli_print_json(cli, &json, &text);
}

int or_cli_completion_command(or_cli_t *cli) {
  const char *name = cli->arguments.words[0];
  for (size_t i = 0; i < SCRIPT_COUNT; ++i) {
    if (strcmp(scripts[i].name, name) != 0) continue;
    if (cli->json) return list_as_json(cli, name);
    scripts[i].print();
    return OR_EXIT_OK;
  }
  return or_cli_usage_error(cli, "completion for \"%s\"? There are: bash, zsh, man", name);
}
