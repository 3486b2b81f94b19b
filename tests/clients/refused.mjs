// refused.mjs: run the statements given as arguments, each alone; print the code of each error
import neo4j from 'neo4j-driver'

const [projectId, ...statements] = process.argv.slice(2)
const { NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD } = process.env
const auth = neo4j.auth.basic(NEO4J_USERNAME, NEO4J_PASSWORD)
const driver = neo4j.driver(NEO4J_URI, auth)
try {
  for (const statement of statements) {
    try {
      await driver.executeQuery(statement, { project_id: projectId })
      console.log('accepted')
    } catch (error) {
      console.log(error.code)
    }
  }
} finally {
  await driver.close()
}
