// node server.js <folder with PEM files>: prints its port, then what it saw; ends when its input does.
'use strict';
const { grpc, echo, pem } = require('./common');

const [folder] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${line}\n`);

const server = new grpc.Server();
server.addService(echo.EchoService.service, {
  Say(call, callback) {
    const trailers = new grpc.Metadata();
    trailers.set('last', 'yes');
    trailers.set('last-bin', Buffer.from([1, 2]));
    switch (call.request.text) {
      case 'headers': {
        const headers = new grpc.Metadata();
        headers.set('name', call.metadata.get('name')[0]);
        headers.set('raw-bin', call.metadata.get('raw-bin')[0]);
        call.sendMetadata(headers);
        break;
      }
      case 'fail':
        trailers.set('grpc-status-details-bin', Buffer.from([8, 9]));
        callback({ code: grpc.status.FAILED_PRECONDITION, details: '50 % größer', metadata: trailers });
        return;
      case 'wait':
        call.on('cancelled', () => say('cancelled'));
        return;
    }
    callback(null, call.request, trailers);
  },

  Repeat(call) {
    const { data, times } = call.request;
    let i = 0;
    call.on('cancelled', () => say('cancelled'));
    const pump = () => {
      while (!call.cancelled && i !== times) if (!call.write({ data, text: `${i++}` })) { call.once('drain', pump); return; }
      call.end();
    };
    pump();
  },

  Join(call, callback) {
    let text = '';
    call.on('data', (words) => { text += words.text; });
    call.on('end', () => callback(null, { text }));
  },

  Chat(call) {
    call.on('data', (words) => call.write(words));
    call.on('end', () => call.end());
  },
});

const credentials = grpc.ServerCredentials.createSsl(
  pem(folder, 'authority.pem'), [{ cert_chain: pem(folder, 'server.pem'), private_key: pem(folder, 'server.key.pem') }], true);
server.bindAsync('127.0.0.1:0', credentials, (error, port) => {
  if (error) throw error;
  say(port);
});
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
