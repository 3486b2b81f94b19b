// schema.indexes: the indexes of the database and the constraints that own them
// row: state (ONLINE, POPULATING, FAILED); kind (NODE, RELATIONSHIP); names, list of node labels or
//   relationship types; properties, list in order; unique, boolean
// nothing: no row
// mode: read
// repeatable: yes

SHOW INDEXES
YIELD state, entityType, labelsOrTypes, properties, owningConstraint
RETURN
  state, entityType AS kind, labelsOrTypes AS names, properties,
  owningConstraint IS NOT NULL AS unique
