// @segment/analytics-node, unmodified, sending to FERRY_HOST. Called by sdks.py.
import { createRequire } from 'node:module'
import { setTimeout as pause } from 'node:timers/promises'

const { FERRY_HOST: host, FERRY_MESSAGES: messages, FERRY_MODULES: modules } = process.env
const { Analytics } = createRequire(`${modules}/`)('@segment/analytics-node')

const failed = []
const analytics = new Analytics({ writeKey: 'key-sn', host, maxRetries: 20 })
analytics.on('error', (error) => failed.push(error))
const userId = 'u-sn'
analytics.identify({ userId, traits: { email: 'sn@northwind.example' } })
analytics.group({ userId, groupId: 'g-1' })
analytics.page({ anonymousId: 'a-sn', name: 'Home' })
analytics.screen({ anonymousId: 'a-sn', name: 'Home' })
analytics.alias({ userId, previousId: 'a-sn' })
for (let n = 0; n < Number(messages); n++) {
  analytics.track({ userId, event: 'Button Pressed', properties: { n } })
  if (n % 10 === 9) await pause(20)
}
await analytics.closeAndFlush()
if (failed.length) {
  console.error(failed)
  process.exit(1)
}
