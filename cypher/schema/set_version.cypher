// schema.set_version: note the version of the schema; a newer one stays
// $version: integer
// row: version, integer: what is there now
// nothing: cannot be; one row always
// mode: write
// repeatable: yes
// plan: Eager, it reads the version it may just have written; one row

MERGE (v:SchemaVersion {product: 'sapwood'})
ON CREATE SET v.version = $version
SET v.version = CASE WHEN v.version > $version THEN v.version ELSE $version END
RETURN v.version AS version
