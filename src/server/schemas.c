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
    {"Device", "max_concurrency", "integer", OR_FIELD_OPTIONAL, "tasks at once on its hardware"},
    {"Device", "memory_limit", "integer", OR_FIELD_OPTIONAL, "bytes that its hardware may use; not there: no limit"},
    {"Device", "current_metrics", "Sample", OR_FIELD_NULLABLE, NULL},

    {"DeviceChange", "is_available", "boolean", OR_FIELD_OPTIONAL, "false: it takes no new work, what runs there ends"},
    {"DeviceChange", "max_concurrency", "integer", OR_FIELD_OPTIONAL, "1 to 64, of its hardware"},
    {"DeviceChange", "memory_limit", "integer", OR_FIELD_OPTIONAL, "bytes, 1 and up, of its hardware"},

    {"Sample", "device_id", "string", OR_FIELD_ALWAYS, NULL},
    {"Sample", "timestamp", "timestamp", OR_FIELD_ALWAYS, NULL},
    {"Sample", "memory_usage", "number", OR_FIELD_OPTIONAL, "per cent"},
    {"Sample", "gpu_utilization", "number", OR_FIELD_OPTIONAL, "per cent, since the last sample"},
    {"Sample", "temperature", "number", OR_FIELD_OPTIONAL, "degrees Celsius"},
    {"Sample", "power_usage", "number", OR_FIELD_OPTIONAL, "watts"},
    {"Sample", "throughput", "number", OR_FIELD_OPTIONAL, "GFLOP/s done in the interval"},
    {"Sample", "active_kernels", "integer", OR_FIELD_OPTIONAL, NULL},

    {"TaskRequest", "task_id", "string", OR_FIELD_OPTIONAL,
     "1 to 64 of A-Z a-z 0-9 . _ : -; made where it is left out"},
    {"TaskRequest", "operation", "string", OR_FIELD_ALWAYS, "compute, mlx_compute, inference, benchmark"},
    {"TaskRequest", "data", "object", OR_FIELD_OPTIONAL, "by operation and type: docs/api.md"},
    {"TaskRequest", "device_preference", "string", OR_FIELD_OPTIONAL, "a device's id, a type, or auto"},
    {"TaskRequest", "strict_device", "boolean", OR_FIELD_OPTIONAL, "refuse rather than run elsewhere"},
    {"TaskRequest", "priority", "integer", OR_FIELD_OPTIONAL, "1 to 10, 10 the most urgent"},
    {"TaskRequest", "timeout", "number", OR_FIELD_OPTIONAL, "seconds from acceptance, 1 to 3600; 300"},
    {"TaskRequest", "on_restart", "rerun|fail", OR_FIELD_OPTIONAL, NULL},

    {"TaskChange", "priority", "integer", OR_FIELD_ALWAYS, "1 to 10"},

    {"ActiveTask", "task_id", "string", OR_FIELD_ALWAYS, NULL},
    {"ActiveTask", "status", "string", OR_FIELD_ALWAYS, "pending or running"},
    {"ActiveTask", "device_id", "string", OR_FIELD_NULLABLE, "where it runs"},
    {"ActiveTask", "running_time", "number", OR_FIELD_ALWAYS, "seconds; 0 while it waits"},
    {"ActiveTask", "progress", "number", OR_FIELD_ALWAYS, "0 to 1"},

    {"TaskRemoval", "task_id", "string", OR_FIELD_ALWAYS, NULL},
    {"TaskRemoval", "status", "cancelling|removed", OR_FIELD_ALWAYS, NULL},

    {"ListedTask", "task_id", "string", OR_FIELD_ALWAYS, NULL},
    {"ListedTask", "operation", "string", OR_FIELD_ALWAYS, NULL},
    {"ListedTask", "status", "string", OR_FIELD_ALWAYS, "pending or running"},
    {"ListedTask", "device_id", "string", OR_FIELD_NULLABLE, NULL},
    {"ListedTask", "running_time", "number", OR_FIELD_ALWAYS, "seconds; 0 while it waits"},
    {"ListedTask", "priority", "integer", OR_FIELD_ALWAYS, NULL},

    {"TaskList", "active_tasks", "[ListedTask]", OR_FIELD_ALWAYS, "at most 1,000"},
    {"TaskList", "count", "integer", OR_FIELD_ALWAYS, "all that are active"},

    {"TaskResponse", "task_id", "string", OR_FIELD_ALWAYS, NULL},
    {"TaskResponse", "status", "completed|failed|cancelled|timeout", OR_FIELD_ALWAYS, NULL},
    {"TaskResponse", "result", "object", OR_FIELD_NULLABLE, "by operation and type: docs/api.md"},
    {"TaskResponse", "metrics", "object", OR_FIELD_ALWAYS, "execution_time, device_used, memory_peak, throughput"},
    {"TaskResponse", "error", "string", OR_FIELD_NULLABLE, NULL},
    {"TaskResponse", "error_code", "string", OR_FIELD_NULLABLE, NULL},
    {"TaskResponse", "attempts", "integer", OR_FIELD_ALWAYS, NULL},
    {"TaskResponse", "shared_run", "boolean", OR_FIELD_ALWAYS, "one run answered several tasks"},
    {"TaskResponse", "execution_time", "number", OR_FIELD_ALWAYS, "seconds, of the whole task"},
    {"TaskResponse", "device_used", "string", OR_FIELD_NULLABLE, NULL},
    {"TaskResponse", "fallback_reason", "string", OR_FIELD_NULLABLE, "why not where it was asked to be"},
    {"TaskResponse", "created_at", "timestamp", OR_FIELD_NULLABLE, NULL},
    {"TaskResponse", "started_at", "timestamp", OR_FIELD_NULLABLE, NULL},
    {"TaskResponse", "finished_at", "timestamp", OR_FIELD_NULLABLE, NULL},

    {"Key", "id", "string", OR_FIELD_ALWAYS, NULL},
    {"Key", "label", "string", OR_FIELD_ALWAYS, NULL},
    {"Key", "scopes", "[read|run|kernels|admin]", OR_FIELD_ALWAYS, NULL},
    {"Key", "created_at", "timestamp", OR_FIELD_ALWAYS, NULL},
    {"Key", "last_used_at", "timestamp", OR_FIELD_NULLABLE, NULL},
    {"Key", "revoked", "boolean", OR_FIELD_ALWAYS, NULL},
    {"Key", "revoked_at", "timestamp", OR_FIELD_NULLABLE, NULL},

    {"NewKey", "id", "string", OR_FIELD_ALWAYS, NULL},
    {"NewKey", "label", "string", OR_FIELD_ALWAYS, NULL},
    {"NewKey", "scopes", "[read|run|kernels|admin]", OR_FIELD_ALWAYS, NULL},
    {"NewKey", "created_at", "timestamp", OR_FIELD_ALWAYS, NULL},
    {"NewKey", "last_used_at", "timestamp", OR_FIELD_NULLABLE, NULL},
    {"NewKey", "revoked", "boolean", OR_FIELD_ALWAYS, NULL},
    {"NewKey", "revoked_at", "timestamp", OR_FIELD_NULLABLE, NULL},
    {"NewKey", "secret", "string", OR_FIELD_ALWAYS, "shown this once"},

    {"KeyList", "keys", "[Key]", OR_FIELD_ALWAYS, NULL},

    {"KeyRequest", "label", "string", OR_FIELD_OPTIONAL, "at most 127 bytes"},
    {"KeyRequest", "scopes", "[read|run|kernels|admin]", OR_FIELD_OPTIONAL, "read and run where it is left out"},

    {"Log", "modules", "{off|error|warning|info|debug}", OR_FIELD_ALWAYS, "by module"},

    {"LogChange", "level", "off|error|warning|info|debug", OR_FIELD_OPTIONAL, "of all modules"},
    {"LogChange", "modules", "{off|error|warning|info|debug}", OR_FIELD_OPTIONAL, "of these, after that"},

    {"Error", "detail", "string", OR_FIELD_ALWAYS, "words that name the cause"},
    {"Error", "error_code", "string", OR_FIELD_ALWAYS, "not_found, unavailable, …"},

    {"Problems", "detail", "[Problem]", OR_FIELD_ALWAYS, "each field that is wrong"},

    {"Problem", "loc", "[string]", OR_FIELD_ALWAYS, "where it stands"},
    {"Problem", "msg", "string", OR_FIELD_ALWAYS, NULL},
    {"Problem", "type", "string", OR_FIELD_ALWAYS, NULL},
};
const size_t or_schema_field_count = sizeof or_schema_fields / sizeof *or_schema_fields;
