#ifndef OR_KERNEL_SANDBOX_H
#define OR_KERNEL_SANDBOX_H
/* What a worker gives up before it touches a user's source. Each step tells whether the system has it; a worker without
 * one still has its parent's bounds: time, memory, SIGKILL. On the worker's main thread. */

#include <stdbool.h>
#include <stdint.h>

/* First of all: ends with its parent, gains no rights, gives up those of root, leaves what it inherited: descriptors
 * above `last_descriptor`, handlers of deadly signals, the working folder, core dumps, priority. */
void or_sandbox_begin(int last_descriptor);
/* Before a second thread starts: files outside of `cache`, `scratch` (each may be "") and what drivers and compilers
 * read are out of reach from here on, for all that follows (Landlock). */
bool or_sandbox_files(const char *cache, const char *scratch);
/* After the device was opened: no socket, no signal to another process, no way out of the process group or into another
 * process, in every thread (seccomp). */
bool or_sandbox_calls(void);
/* So much more address space than there is now. */
bool or_sandbox_addresses(uint64_t bytes);
/* So many more seconds of processor time, of all threads together, than were used by now. */
void or_sandbox_processor(uint32_t seconds);

#endif
