#ifndef OPENRUNTIME_OPENRUNTIME_H
#define OPENRUNTIME_OPENRUNTIME_H
/* Everything that programs which embed OpenRuntime need. */

#include "openruntime/buffer.h"
#include "openruntime/compute.h"
#include "openruntime/device.h"
#include "openruntime/kernel.h"
#include "openruntime/model.h"
#include "openruntime/runtime.h"
#include "openruntime/session.h"
#include "openruntime/state.h"
#include "openruntime/status.h"
#include "openruntime/tensor.h"
#include "openruntime/types.h"
#include "openruntime/value.h"

#endif
