import { proposeEventType } from './event-field.decorators.js';

describe('proposeEventType', () => {
  it.each([
    ['Page Viewed', 'page_viewed'],
    ['pageViewed', 'page_viewed'],
    ['page-viewed', 'page_viewed'],
    ['  Order   Placed! ', 'order_placed'],
    ['Commande Passée', 'commande_passee'],
    ['2nd_visit', 'nd_visit'],
    ['__private', 'private'],
    ['x'.repeat(150), 'x'.repeat(100)],
  ])('should propose for %j the name %s', (sent, proposal) => {
    expect(proposeEventType(sent)).toBe(proposal);
  });

  it.each(['', '123', '訂單', '!!!'])('should propose nothing for %j', (sent) => {
    expect(proposeEventType(sent)).toBeUndefined();
  });

  it('should propose only what the rule accepts', () => {
    expect(proposeEventType(`A${'-'.repeat(98)}b`)).toMatch(/^[a-z][a-z0-9_]{0,99}$/);
  });
});
