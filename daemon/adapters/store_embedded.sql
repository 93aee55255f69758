-- The embedded store's file, version 3.

BEGIN IMMEDIATE;

-- `tags` have commas between them; `worth` is that of entry_worth.py.
CREATE TABLE entries (
    -- AUTOINCREMENT: an id is never given twice, or an index would take a new entry for an old one.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    partition BLOB NOT NULL,
    scope TEXT NOT NULL,
    dialect TEXT NOT NULL,
    model TEXT NOT NULL,
    question TEXT NOT NULL,
    vector BLOB,
    cost_nanos INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    made_in_ms INTEGER NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    user TEXT NOT NULL,
    namespace TEXT NOT NULL,
    tags TEXT NOT NULL,
    worth REAL NOT NULL
);

CREATE INDEX entries_by_expiry ON entries (expires_at);
CREATE INDEX entries_by_worth ON entries (worth, id);

-- Answers have a table of their own: counting a hit rewrites its row, and an answer may be megabytes.
CREATE TABLE answers (id INTEGER PRIMARY KEY, answer BLOB NOT NULL);

-- The columns of CacheEntry, in its order.
CREATE VIEW whole_entries AS
    SELECT key, partition, scope, dialect, model, question, answer, vector, cost_nanos, input_tokens,
           output_tokens, made_in_ms, created_at, expires_at, id, user, namespace, tags
    FROM entries JOIN answers USING (id);

-- Kept by triggers: counting a million rows for each look at a dashboard would take longer than the look.
CREATE TABLE totals (entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals VALUES (0, 0);

CREATE TRIGGER answer_kept AFTER INSERT ON answers BEGIN
    UPDATE totals SET entries = entries + 1, bytes = bytes + length(NEW.answer);
END;

CREATE TRIGGER entry_removed AFTER DELETE ON entries BEGIN
    UPDATE totals SET entries = entries - 1,
                      bytes = bytes - (SELECT length(answer) FROM answers WHERE id = OLD.id);
    DELETE FROM answers WHERE id = OLD.id;
END;

CREATE TABLE epoch (name TEXT NOT NULL);
INSERT INTO epoch VALUES (lower(hex(randomblob(16))));

CREATE TABLE records (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;

PRAGMA user_version = 3;
COMMIT;
