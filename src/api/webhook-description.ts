const text = (description: string) => ({ type: 'string', description });
const header = (name: string, description: string, required = true) => ({
  name,
  in: 'header',
  required,
  description,
  schema: { type: 'string' },
});

/** What a subscriber's endpoint gets, for the description of the interface: the whole of it is in docs/subscriptions.md. */
export const WEBHOOKS = {
  events: {
    post: {
      summary: 'Events for a subscriber',
      description:
        'What lotline POSTs to the `dest` of a subscription: events in the order of recording, one delivery at a time, again until it is taken. When the query cannot be answered, a problem comes instead, as `application/problem+json`.',
      tags: ['EPCIS 2.0'],
      parameters: [
        header('Idempotency-Key', 'The same for the same events, however often they are sent.'),
        header(
          'GS1-Signature',
          'Where the subscription has a signatureToken: `t=<seconds since 1970>,v1=<hex>`. The hex is HMAC-SHA256 with the token as key over the seconds, a full stop, and the body as it came. Refuse what is older than five minutes.',
          false,
        ),
        header('GS1-EPCIS-Version', 'The version of EPCIS of the document.'),
        header('GS1-CBV-Version', 'The version of the CBV of the document.'),
        header('GS1-EPC-Format', 'The form of its identifiers.'),
      ],
      requestBody: {
        content: {
          'application/json': {
            schema: {
              type: 'object',
              description: 'An EPCISQueryDocument.',
              required: ['@context', 'type', 'epcisBody'],
              properties: {
                '@context': {},
                type: { const: 'EPCISQueryDocument' },
                epcisBody: {
                  type: 'object',
                  required: ['queryResults'],
                  properties: {
                    queryResults: {
                      type: 'object',
                      required: ['queryName', 'subscriptionID', 'resultsBody'],
                      properties: {
                        queryName: text('The name of the query.'),
                        subscriptionID: text('Of the subscription.'),
                        resultsBody: {
                          type: 'object',
                          required: ['eventList'],
                          properties: { eventList: { type: 'array', items: { type: 'object' } } },
                        },
                      },
                    },
                  },
                },
              },
            },
          },
          'application/problem+json': { schema: { type: 'object', description: 'A problem (RFC 9457).' } },
        },
      },
      responses: {
        '2XX': { description: 'Taken, and never sent again. Answer it when the events are kept.' },
        '413': { description: 'Too much at once: half as many events are sent.' },
        default: { description: 'Not taken: it is tried again, for a week.' },
      },
    },
  },
} as const;
