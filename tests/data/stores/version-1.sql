-- A store as schema version 1 has it (src/store/schema.c): never changed, so that later versions are tried on it.
PRAGMA application_id = 1330795348;
PRAGMA user_version = 1;
CREATE TABLE tasks (sequence INTEGER PRIMARY KEY, task_id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,
  operation TEXT NOT NULL, state INTEGER NOT NULL, priority INTEGER NOT NULL, attempts INTEGER NOT NULL,
  rerun INTEGER NOT NULL, created_us INTEGER NOT NULL, started_us INTEGER NOT NULL, finished_us INTEGER NOT NULL,
  deadline_us INTEGER NOT NULL, device TEXT, error TEXT, error_code TEXT, digest BLOB NOT NULL, bytes INTEGER NOT NULL,
  request BLOB, response BLOB) STRICT;
CREATE INDEX active_tasks ON tasks (sequence) WHERE state < 2;
CREATE TABLE blobs (id INTEGER PRIMARY KEY, task INTEGER NOT NULL, role INTEGER NOT NULL, name TEXT NOT NULL,
  dtype INTEGER NOT NULL, shape TEXT NOT NULL, bytes INTEGER NOT NULL, hash INTEGER NOT NULL, file TEXT, data BLOB)
  STRICT;
CREATE INDEX blobs_of_task ON blobs (task);
CREATE INDEX blob_files ON blobs (file) WHERE file IS NOT NULL;
CREATE TABLE totals (id INTEGER PRIMARY KEY CHECK (id = 1), tasks INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
CREATE TABLE settings (kind INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name))
  STRICT, WITHOUT ROWID;
CREATE TABLE keys (id TEXT PRIMARY KEY, digest BLOB NOT NULL UNIQUE, label TEXT NOT NULL, scopes INTEGER NOT NULL,
  created_us INTEGER NOT NULL, last_used_us INTEGER NOT NULL DEFAULT 0, revoked_us INTEGER NOT NULL DEFAULT 0) STRICT;
-- Times are of now, else retention and deadlines would end what is to be found again. The key's secret is ork_000…0.
INSERT INTO tasks VALUES (1, 'done', '', 'compute', 2, 1, 1, 1, unixepoch() * 1000000, unixepoch() * 1000000,
  unixepoch() * 1000000, (unixepoch() + 300) * 1000000, 'cpu_0', NULL, NULL,
  X'0e53057ed2902e3db15e68da683c5a17db5d544fd1ddc0cfcddad5795e869e13', 500, NULL,
  CAST('{"task_id": "done", "status": "completed", "result": {"kept": [1, 2, 3]}}' AS BLOB));
INSERT INTO tasks VALUES (2, 'waiting', '', 'compute', 0, 5, 0, 1, unixepoch() * 1000000, 0, 0,
  (unixepoch() + 300) * 1000000, NULL, NULL, NULL,
  X'13e982019fa18eaa4c1ed86dc2db3eaf68366501d5445381f11e0a0842157eff', 444,
  CAST('{"task_id": "waiting", "operation": "compute", "data": {"a": {"shape": [2, 2], "dtype": "float32", "data": [1, 2, 3, 4]},' ||
    ' "b": {"shape": [2, 2], "dtype": "float32", "data": [1, 2, 3, 4]}}}' AS BLOB), NULL);
INSERT INTO totals VALUES (1, 2, 944);
INSERT INTO settings VALUES (0, 'hardware:host', '{"max_concurrency":3}');
INSERT INTO keys VALUES ('01M8H6RQZ0D7Z2HGZSMCAZ1SPA', X'eaa3aa65f289c32ecf3325758d3e2987697b053b935ba3ef3ee584c8b8fd574d',
  'root', 8, unixepoch() * 1000000, 0, 0);
