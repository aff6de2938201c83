/* Numbers of another type. -DT=from -DU=to -DFORM: 0 to bool, 1 of a floating-point number to an integer, 2 any that C
 * converts the same way, 3 through a float that is rounded to odd, so that the next rounding is the only one. */

#define E COMPUTE(T)
#define F COMPUTE(U)

#if FORM == 0
#define CONVERT(value) ((value) != (E)0)
#elif FORM == 1
#define CONVERT(value) ((value) != (value) ? (F)0 : PASTE(PASTE(convert_, U), _sat_rtz)(value))
#elif FORM == 2
#define CONVERT(value) ((F)(value))
#else
static inline float to_odd(E value) {
  float towards_zero = convert_float_rtz(value);
  bool whole = (E)towards_zero == value || value != value;
  return whole ? towards_zero : as_float(as_uint(towards_zero) | 1u);
}
#define CONVERT(value) to_odd(value)
#endif

__kernel void cast(IN(x), OUT(y), ulong count) {
  size_t i = get_global_id(0);
  if (i >= count) return;
  const E value = LOAD(T, READ(T, x), i);
  STORE(U, WRITE(U, y), i, CONVERT(value));
}
