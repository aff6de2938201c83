#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
/* What ends a program at once, by its own fault or somebody's wish. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU};
#define SIGNAL_COUNT (sizeof signals / sizeof *signals)
#define CRASH_COUNT (sizeof crashes / sizeof *crashes)

/* Handlers read it: what they need is set before they are installed. */
static struct {
  int pipe[2];
  or_cancel_t *cancel;
  bool entered, has_screen, has_termios;
  struct termios before;
  struct sigaction signals_before[SIGNAL_COUNT], crashes_before[CRASH_COUNT];
} terminal = {.pipe = {-1, -1}};

static const char enter_screen[] = "\x1b[?1049h\x1b[?25l\x1b[2J";
static const char leave_screen[] = "\x1b[0m\x1b[?25h\x1b[?1049l";

static void write_all(const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t count = write(STDOUT_FILENO, bytes, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return; /* the terminal has gone */
    bytes += count;
    length -= (size_t)count;
  }
}

static void show_screen(void) {
  if (!terminal.has_screen) return;
  if (terminal.has_termios) {
    struct termios raw = terminal.before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    raw.c_cc[VMIN] = 0;
    raw.c_cc[VTIME] = 0;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  }
  write_all(enter_screen, sizeof enter_screen - 1);
}

/* Async-signal-safe. */
static void hide_screen(void) {
  if (!terminal.has_screen) return;
  write_all(leave_screen, sizeof leave_screen - 1);
  if (terminal.has_termios) (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal.before);
}

static void on_signal(int number) {
  const int before = errno;
  const unsigned char byte = (unsigned char)number;
  if (number != SIGWINCH && number != SIGTSTP) or_cancel_request(terminal.cancel);
  (void)!write(terminal.pipe[1], &byte, 1); /* a full pipe wakes as well */
  errno = before;
}

static void on_crash(int number) {
  hide_screen();
  (void)signal(number, SIG_DFL);
  (void)raise(number);
}

static void install(void) {
  struct sigaction action = {.sa_handler = on_signal}, crash = {.sa_handler = on_crash};
  (void)sigemptyset(&action.sa_mask);
  (void)sigemptyset(&crash.sa_mask);
  for (size_t i = 0; i < SIGNAL_COUNT; ++i) {
    if (signals[i] == SIGTSTP && !terminal.has_screen) continue;
    /* What does not end the program must not break a write off, which waits for a slow terminal. */
    action.sa_flags = signals[i] == SIGWINCH || signals[i] == SIGTSTP ? SA_RESTART : 0;
    (void)sigaction(signals[i], &action, &terminal.signals_before[i]);
  }
  for (size_t i = 0; i < CRASH_COUNT; ++i) {
    if (terminal.has_screen) (void)sigaction(crashes[i], &crash, &terminal.crashes_before[i]);
  }
}

int or_terminal_enter(bool screen, or_cancel_t *cancel) {
  if (pipe(terminal.pipe) != 0) return -1;
  for (int i = 0; i < 2; ++i) {
    (void)fcntl(terminal.pipe[i], F_SETFL, O_NONBLOCK);
    (void)fcntl(terminal.pipe[i], F_SETFD, FD_CLOEXEC);
  }
  terminal.cancel = cancel;
  terminal.has_screen = screen;
  terminal.has_termios = screen && tcgetattr(STDIN_FILENO, &terminal.before) == 0;
  terminal.entered = true;
  install();
  show_screen();
  return terminal.pipe[0];
}

void or_terminal_leave(void) {
  if (!terminal.entered) return;
  hide_screen();
  for (size_t i = 0; i < SIGNAL_COUNT; ++i) {
    if (signals[i] == SIGTSTP && !terminal.has_screen) continue;
    (void)sigaction(signals[i], &terminal.signals_before[i], NULL);
  }
  for (size_t i = 0; i < CRASH_COUNT; ++i) {
    if (terminal.has_screen) (void)sigaction(crashes[i], &terminal.crashes_before[i], NULL);
  }
  (void)close(terminal.pipe[0]);
  (void)close(terminal.pipe[1]);
  terminal.pipe[0] = terminal.pipe[1] = -1;
  terminal.entered = terminal.has_screen = terminal.has_termios = false;
}

int or_terminal_signal(void) {
  unsigned char byte = 0;
  return read(terminal.pipe[0], &byte, 1) == 1 ? byte : 0;
}

void or_terminal_suspend(void) {
  hide_screen();
  (void)raise(SIGSTOP);
  show_screen();
}

bool or_terminal_is_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    const char *value = getenv(names[i]);
    if (value == NULL || value[0] == '\0') continue;
    const char *dot = strchr(value, '.');
    return dot != NULL && (strncasecmp(dot + 1, "utf-8", 5) == 0 || strncasecmp(dot + 1, "utf8", 4) == 0);
  }
  return false;
}

void or_terminal_size(int *columns, int *rows) {
  struct winsize size;
  const bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;
  *columns = known ? size.ws_col : 80;
  *rows = known ? size.ws_row : 24;
}
