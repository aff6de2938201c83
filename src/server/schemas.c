#include "server/schemas.h"

const or_schema_field_t or_schema_fields[] = {
    {"Server", "name", "string", OR_FIELD_ALWAYS, NULL},
    {"Server", "version", "string", OR_FIELD_ALWAYS, NULL},
    {"Server", "author", "string", OR_FIELD_ALWAYS, NULL},
    {"Server", "status", "running", OR_FIELD_ALWAYS, NULL},
    {"Server", "devices", "integer", OR_FIELD_ALWAYS, "how many there are"},
    {"Server", "active_tasks", "integer", OR_FIELD_ALWAYS, NULL},
    {"Server", "mlx_available", "boolean", OR_FIELD_ALWAYS, NULL},
    {"Server", "torch_available", "boolean", OR_FIELD_ALWAYS, NULL},
    {"Server", "backends", "[string]", OR_FIELD_ALWAYS, "those with a device"},
    {"Server", "uptime_seconds", "number", OR_FIELD_ALWAYS, NULL},
    {"Server", "timestamp", "timestamp", OR_FIELD_ALWAYS, NULL},

    {"Health", "status", "healthy|starting|draining", OR_FIELD_ALWAYS, NULL},
    {"Health", "timestamp", "timestamp", OR_FIELD_ALWAYS, NULL},
    {"Health", "version", "string", OR_FIELD_ALWAYS, NULL},
    {"Health", "devices", "integer", OR_FIELD_ALWAYS, "how many there are; 0 while starting"},
    {"Health", "mlx_available", "boolean", OR_FIELD_ALWAYS, NULL},
    {"Health", "torch_available", "boolean", OR_FIELD_ALWAYS, NULL},

    {"Probe", "status", "live|ready|starting|draining", OR_FIELD_ALWAYS, NULL},

    {"DeviceList", "devices", "[Device]", OR_FIELD_ALWAYS, NULL},

    {"Device", "id", "string", OR_FIELD_ALWAYS, "cpu_0"},
    {"Device", "hardware_id", "string", OR_FIELD_ALWAYS, "what devices of several backends may share"},
    {"Device", "name", "string", OR_FIELD_ALWAYS, NULL},
    {"Device", "type", "string", OR_FIELD_ALWAYS, NULL},
    {"Device", "memory_total", "integer", OR_FIELD_ALWAYS, "bytes; 0 where the system does not say"},
    {"Device", "memory_available", "integer", OR_FIELD_NULLABLE, "bytes"},
    {"Device", "compute_units", "integer", OR_FIELD_ALWAYS, NULL},
    {"Device", "is_available", "boolean", OR_FIELD_ALWAYS, NULL},
    {"Device", "reason", "string", OR_FIELD_NULLABLE, "why it is not available"},
    {"Device", "capabilities", "[string]", OR_FIELD_ALWAYS, NULL},
    {"Device", "driver_version", "string", OR_FIELD_NULLABLE, NULL},
    {"Device", "compute_capability", "string", OR_FIELD_NULLABLE, NULL},
    {"Device", "current_metrics", "Sample", OR_FIELD_NULLABLE, NULL},

    {"Sample", "device_id", "string", OR_FIELD_ALWAYS, NULL},
    {"Sample", "timestamp", "timestamp", OR_FIELD_ALWAYS, NULL},
    {"Sample", "memory_usage", "number", OR_FIELD_OPTIONAL, "per cent"},
    {"Sample", "gpu_utilization", "number", OR_FIELD_OPTIONAL, "per cent, since the last sample"},
    {"Sample", "temperature", "number", OR_FIELD_OPTIONAL, "degrees Celsius"},
    {"Sample", "power_usage", "number", OR_FIELD_OPTIONAL, "watts"},
    {"Sample", "throughput", "number", OR_FIELD_OPTIONAL, "GFLOP/s done in the interval"},
    {"Sample", "active_kernels", "integer", OR_FIELD_OPTIONAL, NULL},

    {"Error", "detail", "string", OR_FIELD_ALWAYS, "words that name the cause"},
    {"Error", "error_code", "string", OR_FIELD_ALWAYS, "not_found, unavailable, …"},

    {"Problems", "detail", "[Problem]", OR_FIELD_ALWAYS, "each field that is wrong"},

    {"Problem", "loc", "[string]", OR_FIELD_ALWAYS, "where it stands"},
    {"Problem", "msg", "string", OR_FIELD_ALWAYS, NULL},
    {"Problem", "type", "string", OR_FIELD_ALWAYS, NULL},
};
const size_t or_schema_field_count = sizeof or_schema_fields / sizeof *or_schema_fields;
