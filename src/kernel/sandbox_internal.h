#ifndef OR_KERNEL_SANDBOX_INTERNAL_H
#define OR_KERNEL_SANDBOX_INTERNAL_H
/* Steps of or_sandbox_begin that each system does in its own way. */

void or_sandbox_tie_to_parent(void);
void or_sandbox_close_above(int last_descriptor);

#endif
