// schema.version: the version of sapwood's schema in this database
// row: version, integer
// nothing: no row: there is none
// mode: read
// repeatable: yes

MATCH (v:SchemaVersion {product: 'sapwood'})
RETURN v.version AS version
