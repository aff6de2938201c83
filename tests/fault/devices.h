#ifndef OR_TESTS_FAULT_DEVICES_H
#define OR_TESTS_FAULT_DEVICES_H
/* Fake devices (tests/fake) beside those of the machine, which do what another process says. */

#include <stdbool.h>

/* `count`: fake devices that a runtime finds from now on; 0: none. `control`: a descriptor that gives lines and takes
 * "ok" for each, or -1. CALL is run, node or alloc:
 *   close CALL          calls of that kind wait from now on
 *   wait CALL           until one of them waits
 *   open CALL           they go on
 *   lose CALL           the next one loses its device
 *   fail CALL           the next one fails
 *   only OPERATOR       they take nothing else; "any": they take all again
 * False: no thread for the lines. Before anything else in a program. */
bool devices_open(unsigned count, int control);

#endif
