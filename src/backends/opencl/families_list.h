/* Every kernel family, best first: X(name) is or_cl_family_name of kernel_name.c. The only list of them. */
X(alias)
