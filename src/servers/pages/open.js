// Opens Neo4j Browser (5.24.0, pinned) logged in, with sapwood's colours and one query drawn.
//
// The address is open.html#bolt=…&user=…&pw=…&db=…&run=…; a fragment never leaves the browser.
// Any web page may send a person here with a fragment of its own, so the password is tried on
// the server first: without the right one nothing is stored and nothing will run. Queries run
// in read transactions.
'use strict'

const ID = '$$discovery'

function pack(value) {
  if (typeof value === 'object') {
    const entries = Object.entries(value)
    return [0xa0 | entries.length, ...entries.flatMap(([key, item]) => [...pack(key), ...pack(item)])]
  }
  const text = new TextEncoder().encode(value)
  return [0xd1, text.length >> 8, text.length & 255, ...text]
}

function message(signature, fields) {
  const body = [0xb1, signature, ...pack(fields)]
  return new Uint8Array([body.length >> 8, body.length & 255, ...body, 0, 0])
}

// Resolves if the server accepts the password: handshake, hello, log in, each answered.
function logIn(bolt, user, password) {
  const steps = [
    message(0x01, { user_agent: 'sapwood-launcher/1', bolt_agent: { product: 'sapwood-launcher/1' } }),
    message(0x6a, { scheme: 'basic', principal: user, credentials: password }),
  ]
  return new Promise((resolve, reject) => {
    const wire = new WebSocket(bolt.replace(/^bolt:/, 'ws:'))
    let received = []
    let greeted = false
    const fail = () => reject(new Error(`${bolt} does not answer. Is the server up (sapwood status)?`))
    wire.binaryType = 'arraybuffer'
    wire.onerror = fail
    wire.onclose = fail
    wire.onopen = () => wire.send(new Uint8Array([0x60, 0x60, 0xb0, 0x17, 0, 4, 4, 5, ...Array(12).fill(0)]))
    wire.onmessage = ({ data }) => {
      received.push(...new Uint8Array(data))
      if (!greeted) {
        if (received.length < 4) return
        received = received.slice(4)
        greeted = true
        wire.send(steps.shift())
        return
      }
      const size = (received[0] << 8) | received[1]
      if (received.length < size + 4) return
      if (received[3] !== 0x70) {
        reject(new Error('The server does not accept this password. Ask sapwood for a fresh address.'))
      } else if (steps.length) {
        received = received.slice(size + 4)
        wire.send(steps.shift())
        return
      } else {
        resolve()
      }
      wire.onclose = null
      wire.close()
    }
  })
}

function store(name, value) {
  localStorage.setItem(`neo4j.${name}`, JSON.stringify(value))
}

function stored(name) {
  try {
    return JSON.parse(localStorage.getItem(`neo4j.${name}`)) || {}
  } catch {
    return {}
  }
}

function remember({ bolt, user, pw, db, run }, style) {
  const connection = {
    id: ID, name: ID, type: 'bolt', host: bolt, username: user, password: pw, db,
    authEnabled: true, authenticationMethod: 'NATIVE',
  }
  store('connections', { allConnectionIds: [ID], connectionsById: { [ID]: connection } })
  store('grass', style)
  store('settings', {
    ...stored('settings'),
    initCmd: run || ':play start',
    initialNodeDisplay: 1000,
    maxNeighbours: 1000,
    useReadTransactions: true,
    allowCrashReports: false,
    allowUserStats: false,
  })
}

async function open() {
  const asked = Object.fromEntries(new URLSearchParams(location.hash.slice(1)))
  history.replaceState(null, '', location.pathname) // the password leaves the address bar
  if (!asked.bolt || !asked.user || !asked.pw) {
    throw new Error('This address is incomplete. Ask sapwood for a fresh one.')
  }
  await logIn(asked.bolt, asked.user, asked.pw)
  const style = await (await fetch('style.json', { cache: 'no-store' })).json()
  remember(asked, style)
  location.replace('../') // without ?dbms=, which would switch the stored log-in off
}

open().catch(error => {
  document.getElementById('message').textContent = error.message
})
