/** Five steps to the first message, in Node-RED's own format for guided tours. */

const step = (title, description, more = {}) => ({
  title: { 'en-US': title[0], ko: title[1] },
  description: { 'en-US': `<p>${description[0]}</p>`, ko: `<p>${description[1]}</p>` },
  ...more,
});

export default {
  steps: [
    step(
      ['Your first text message', '첫 문자 보내기'],
      [
        'Five steps to a message that is sent and reported on. You need no account: it all happens in practice mode, inside this Node-RED.',
        '다섯 단계면 문자를 보내고 결과까지 받을 수 있습니다. 계정은 필요 없습니다. 모두 이 Node-RED 안에서 연습 모드로 진행됩니다.',
      ],
      { titleIcon: 'fa fa-comment-o' },
    ),
    step(
      ['Drag a node', '노드 끌어오기'],
      [
        '<b>send sms</b> sends texts, <b>send mms</b> pictures. Drag one onto the canvas, and wire an <b>inject</b> node to it: its button will send the message.',
        '<b>SMS 보내기</b>는 문자를, <b>MMS 보내기</b>는 사진을 보냅니다. 하나를 캔버스로 끌어오고 <b>inject</b> 노드를 연결하세요. inject 노드의 버튼을 누르면 문자가 나갑니다.',
      ],
      {
        element: '#red-ui-palette-container-UShot',
        direction: 'right',
        prepare() {
          document.getElementById('red-ui-palette-container-UShot')?.scrollIntoView();
        },
      },
    ),
    step(
      ['Add a session and switch practice on', '세션을 추가하고 연습 모드 켜기'],
      [
        'Double-click the node. Beside <b>Session</b> press <b>+</b>, tick <b>Practice mode</b> and press <b>Add</b>. Back on the node, type a number into <b>To</b>. A number 010-0000-00NN ends with result NN: 010-0000-0007 fails.',
        '노드를 더블클릭하세요. <b>세션</b> 옆의 <b>+</b>를 누르고 <b>연습 모드</b>를 켠 다음 추가합니다. 노드로 돌아와 <b>받는 번호</b>를 입력하세요. 010-0000-00NN으로 보내면 결과 코드 NN으로 끝납니다. 예를 들어 010-0000-0007은 실패합니다.',
      ],
      { element: '#red-ui-workspace-chart', direction: 'inset' },
    ),
    step(
      ['Deploy', '배포하기'],
      [
        'Press <b>Deploy</b>, then the button of the inject node. Below the node you see <b>practising</b>: nothing leaves this machine.',
        '<b>배포하기</b>를 누르고 inject 노드의 버튼을 누르세요. 노드 아래에 <b>연습 중</b>이라고 표시되며, 밖으로는 아무것도 나가지 않습니다.',
      ],
      { element: '#red-ui-header-button-deploy', direction: 'bottom' },
    ),
    step(
      ['See the report', '결과 보기'],
      [
        '<b>report in</b> gives a msg for each report: wire it to a <b>debug</b> node. For ready-made flows open <b>Import → Examples</b>. When all is well, switch practice off, fill in your account and press <b>Test connection</b>.',
        '<b>결과 받기</b> 노드는 결과가 올 때마다 msg를 내보냅니다. <b>debug</b> 노드를 연결해 보세요. 완성된 예제는 <b>가져오기 → 예시</b>에 있습니다. 잘 되면 연습 모드를 끄고 계정을 입력한 뒤 <b>연결 테스트</b>를 누르세요.',
      ],
      { element: '#red-ui-header-button-sidemenu', direction: 'bottom' },
    ),
  ],
};
