// schema.version_unique: one schema version a database
// row: none
// nothing: it exists already
// mode: schema
// repeatable: yes

CREATE CONSTRAINT sapwood_schema_version IF NOT EXISTS
FOR (v:SchemaVersion) REQUIRE v.product IS UNIQUE
