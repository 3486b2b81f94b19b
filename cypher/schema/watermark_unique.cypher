// schema.watermark_unique: one watermark a project
// row: none
// nothing: it exists already
// mode: schema
// repeatable: yes

CREATE CONSTRAINT sapwood_watermark IF NOT EXISTS
FOR (w:Watermark) REQUIRE w.project_id IS UNIQUE
