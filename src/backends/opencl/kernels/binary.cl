/* Functions of two elements, broadcast: rows of `inner` neighbours of the result. -DT=type -DU=type of the result
 * (-DTO_BOOL where that is uchar for bool) -DW=elements of a work item -DOP=op_name -DA_STEP -DB_STEP: how far each
 * operand moves along a row, 0 or 1, or 2 for any other. */

#if W == 1
#define V COMPUTE(T)
#else
#define V VECTOR(W, T)
#endif
#define E COMPUTE(T)

/* Each for one element or a vector of them: `type` is E or V. */
#define op_add(type, a, b) ((a) + (b))
#define op_sub(type, a, b) ((a) - (b))
#define op_mul(type, a, b) ((a) * (b))
#define op_div(type, a, b) ((a) / (b))
/* What would trap or overflow is divided by 1 instead. */
#define tame(type, b) ((b) == (type)(0) ? (type)(1) : (b))
#define tame_signed(type, b) ((b) == (type)(0) || (b) == (type)(-1) ? (type)(1) : (b))
#define op_div_natural(type, a, b) ((b) == (type)(0) ? (type)(0) : (a) / tame(type, b))
#define op_div_integer(type, a, b) \
  ((b) == (type)(0) ? (type)(0) : (b) == (type)(-1) ? (type)(0) - (a) : (a) / tame_signed(type, b))
#define op_mod_natural(type, a, b) ((b) == (type)(0) ? (type)(0) : (a) % tame(type, b))
#define op_fmod_integer(type, a, b) ((a) % tame_signed(type, b))
#define op_mod_integer(type, a, b) floored(type, op_fmod_integer(type, a, b), b)
#define floored(type, r, b) ((r) != (type)(0) && ((r) < (type)(0)) != ((b) < (type)(0)) ? (r) + (b) : (r))
#define op_fmod(type, a, b) fmod(a, b)
#define op_mod(type, a, b) floored(type, fmod(a, b), b)
#define op_pow(type, a, b) pow(a, b)
#define op_max(type, a, b) ((a) > (b) || (a) != (a) ? (a) : (b))
#define op_min(type, a, b) ((a) < (b) || (a) != (a) ? (a) : (b))
#define op_prelu(type, a, b) ((a) < (type)(0) ? (b) * (a) : (a))
#define truth(type, relation) ((relation) ? (type)(1) : (type)(0))
#define op_equal(type, a, b) truth(type, (a) == (b))
#define op_greater(type, a, b) truth(type, (a) > (b))
#define op_less(type, a, b) truth(type, (a) < (b))
#define op_greater_or_equal(type, a, b) truth(type, (a) >= (b))
#define op_less_or_equal(type, a, b) truth(type, (a) <= (b))
#define op_and(type, a, b) ((a) & (b))
#define op_or(type, a, b) ((a) | (b))
#define op_xor(type, a, b) ((a) ^ (b))
#define op_axpy(type, a, b) (alpha * (a) + (b))
#define op_triad(type, a, b) ((a) + alpha * (b))

#define APPLY(type, a, b) OP(type, a, b)
#ifdef TO_BOOL
#define CONVERT(value) PASTE(convert_uchar, W)(value)
#else
#define CONVERT(value) (value)
#endif
#if A_STEP == 1
#define A_VECTOR(from) LOADN(W, T, from, 0)
#else
#define A_VECTOR(from) ((V)(LOAD(T, from, 0)))
#endif
#if B_STEP == 1
#define B_VECTOR(from) LOADN(W, T, from, 0)
#else
#define B_VECTOR(from) ((V)(LOAD(T, from, 0)))
#endif

/* y may be an operand's place. `rows`: of each operand, in elements. */
__kernel void binary(IN_PLACE(a), IN_PLACE(b), IN_PLACE(y), strides_t rows, int row_count, int inner, int a_step,
                     int b_step, float parameter) {
  const E alpha = (E)parameter;
  int column = get_global_id(0) * W, row = get_global_id(1);
  if (row >= row_count || column >= inner) return;
  size_t at[3];
  strides_all(&rows, 2, row, at);
  __global const T *a_row = READ(T, a) + at[0];
  __global const T *b_row = READ(T, b) + at[1];
  __global U *y_row = WRITE(U, y) + (size_t)row * inner;
#if W > 1 && A_STEP < 2 && B_STEP < 2
  if (column + W <= inner) {
    const V a = A_VECTOR(a_row + column * A_STEP), b = B_VECTOR(b_row + column * B_STEP);
    STOREN(W, U, y_row + column, 0, CONVERT(APPLY(V, a, b)));
    return;
  }
#endif
  int end = min(column + W, inner);
  for (; column < end; ++column) {
    const E a = LOAD(T, a_row, (long)column * a_step), b = LOAD(T, b_row, (long)column * b_step);
    STORE(U, y_row, column, (COMPUTE(U))(APPLY(E, a, b)));
  }
}
