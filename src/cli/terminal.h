#ifndef OR_CLI_TERMINAL_H
#define OR_CLI_TERMINAL_H
/* A terminal taken over for a full-screen view, and given back however the program ends; and signals as bytes that can
 * be polled for. One at a time in a process. */

#include "base/cancel.h"

/* From here on SIGINT, SIGTERM, SIGHUP and SIGWINCH (and SIGTSTP with `screen`) show as bytes, each its number, at the
 * descriptor that is returned; -1: no pipe. With `screen` the terminal of stdin and stdout shows another screen and
 * hands over keys as they are typed; a crash gives it back first. All but the last two signals pull the token too. */
int or_terminal_enter(bool screen, or_cancel_t *cancel);
void or_terminal_leave(void); /* as it was before; also when it was not entered */
/* The next signal that came; 0: none. */
int or_terminal_signal(void);
/* Gives the terminal back, stops the process, and takes the terminal again when it goes on. */
void or_terminal_suspend(void);
/* Whether a locale of the environment says UTF-8. */
bool or_terminal_is_utf8(void);
/* The size in cells; 80 by 24 where the terminal does not say. */
void or_terminal_size(int *columns, int *rows);

#endif
