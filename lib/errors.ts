/**
 * Every error that a user can meet, in one table: a stable code, the result of the manual's table C where there is one
 * (73 to 79 are the agent's own refusals), and one sentence in English and in Korean that says what is wrong and what
 * would be right. Flows switch on `code`; nobody matches text.
 *
 * `{name}` in a sentence is replaced by the parameter of that name; where that is itself a sentence, `nameKo` beside it is
 * its Korean. Secrets and message texts are never parameters, and phone numbers only where the reader typed them.
 */

export type Language = 'en' | 'ko';

interface ErrorRow {
  readonly en: string;
  readonly ko: string;
  /** Result code of the manual, section C. */
  readonly result?: number;
}

const row = (en: string, ko: string, result?: number): ErrorRow =>
  result === undefined ? { en, ko } : { en, ko, result };

export const errors = {
  // What the flow handed over.
  USHOT_PAYLOAD: row(
    'msg.payload must be a text, an object such as {to, text}, or an array of such objects, but it is {found}.',
    'msg.payload는 문자열이나 {to, text} 같은 객체, 또는 그런 객체의 배열이어야 하는데 {found}입니다.',
    79,
  ),
  USHOT_FILES_WITH_SMS: row(
    'An SMS carries no files. Use the send mms node for messages with files.',
    'SMS에는 파일을 첨부할 수 없습니다. 파일은 MMS 보내기 노드로 보내세요.',
    78,
  ),
  USHOT_FIELD: row(
    '{field} must be {expected}, but it is {found}.',
    '{field} 값은 {expected}이어야 하는데 {found}입니다.',
    79,
  ),
  USHOT_EXPRESSION: row(
    'The field "{field}" of the node could not be evaluated: {problem}',
    '노드의 "{field}" 값을 계산할 수 없습니다: {problem}',
    79,
  ),
  USHOT_FIELD_TOO_LONG: row(
    '{field} takes {bytes} bytes, but at most {limit} fit.',
    '{field} 값이 {bytes}바이트입니다. {limit}바이트까지 넣을 수 있습니다.',
    79,
  ),
  USHOT_NO_RECEIVER: row(
    'No receiver: fill in "To" on the node, or set msg.payload.to to a number such as 010-1234-5678.',
    '받는 번호가 없습니다. 노드의 "받는 번호"를 채우거나 msg.payload.to에 010-1234-5678 같은 번호를 넣으세요.',
    77,
  ),
  USHOT_RECEIVER: row(
    'The receiver "{to}" is not a mobile number in Korea. Right would be 010-1234-5678, an older 011/016 to 019 number, or a 050 safe number.',
    '받는 번호 "{to}"는 국내 휴대폰 번호가 아닙니다. 010-1234-5678 같은 번호, 011/016~019 번호, 050 안심번호만 됩니다.',
    77,
  ),
  USHOT_RECEIVER_ZERO: row(
    'The receiver "{to}" lost its leading zero (a spreadsheet does that): keep the number as text.',
    '받는 번호 "{to}"의 맨 앞 0이 빠졌습니다(엑셀에서 자주 생깁니다). 번호를 문자열로 넣으세요.',
    77,
  ),
  USHOT_NO_SENDER: row(
    'No sender: fill in "From" with a number that is registered with your provider, or set msg.payload.from.',
    '보내는 번호가 없습니다. "보내는 번호"에 통신사에 등록된 발신번호를 넣거나 msg.payload.from을 지정하세요.',
    76,
  ),
  USHOT_SENDER: row(
    'The sender "{from}" cannot send. Right would be a registered number such as 02-1234-5678, 010-1234-5678, 070-1234-5678 or 1588-1234 (without an area code).',
    '보내는 번호 "{from}"로는 보낼 수 없습니다. 02-1234-5678, 010-1234-5678, 070-1234-5678, 1588-1234(지역번호 없이)처럼 등록된 번호를 쓰세요.',
    76,
  ),
  USHOT_NO_TEXT: row(
    'The message is empty: an SMS or LMS needs a text.',
    '메시지 내용이 비어 있습니다. SMS와 LMS에는 내용이 있어야 합니다.',
    78,
  ),
  USHOT_TEXT_TOO_LONG: row(
    'The text takes {bytes} bytes, but {type} allows {limit} (a Hangul syllable takes 2).',
    '메시지가 {bytes}바이트입니다. {type}는 {limit}바이트까지 보낼 수 있습니다(한글 한 글자는 2바이트).',
    78,
  ),
  USHOT_NO_LMS: row(
    'The text takes {bytes} bytes, more than an SMS ({limit}), and this account cannot send LMS ({respCode} {respMesg}).',
    '메시지가 {bytes}바이트로 SMS 한도({limit})를 넘는데, 이 계정은 LMS를 보낼 수 없습니다({respCode} {respMesg}).',
    78,
  ),
  USHOT_SUBJECT_TOO_LONG: row(
    'The subject takes {bytes} bytes, but at most {limit} fit.',
    '제목이 {bytes}바이트입니다. {limit}바이트까지 보낼 수 있습니다.',
    78,
  ),
  USHOT_UNENCODABLE: row(
    'The {field} holds characters that phones in Korea cannot show ({charset}): {characters}. Take them out or replace them.',
    '{field}에 국내 휴대폰 문자({charset})로 보낼 수 없는 글자가 있습니다: {characters}. 지우거나 다른 글자로 바꾸세요.',
    78,
  ),
  USHOT_CONTROL_CHARACTER: row(
    'The {field} holds a control character ({character}) at position {position}; only line breaks and tabs are allowed.',
    '{field}의 {position}번째 글자가 제어 문자({character})입니다. 줄바꿈과 탭만 쓸 수 있습니다.',
    78,
  ),
  USHOT_URL: row(
    'The callback URL must start with http:// or https://, be ASCII, and take at most {limit} bytes (it takes {bytes}).',
    '콜백 URL은 http:// 또는 https://로 시작하는 ASCII 문자여야 하며 {limit}바이트까지입니다(지금 {bytes}바이트).',
    78,
  ),
  USHOT_URL_WITH_LMS: row(
    'A callback URL goes with SMS only, and this text ({bytes} bytes) is too long for one ({limit}).',
    '콜백 URL은 SMS에만 쓸 수 있는데, 메시지({bytes}바이트)가 SMS 한도({limit})를 넘습니다.',
    78,
  ),
  USHOT_URL_REQUIRED: row(
    'This account can only send callback-URL messages: fill in "URL".',
    '이 계정은 콜백 URL 메시지만 보낼 수 있습니다. "URL"을 채우세요.',
    78,
  ),
  USHOT_TIME: row(
    '{field} "{value}" is not a time. Use ISO 8601 such as 2026-01-31T09:00:00+09:00, "2026-01-31 09:00:00" (Korean time), or milliseconds since 1970.',
    '{field} "{value}"은(는) 시각이 아닙니다. 2026-01-31T09:00:00+09:00 같은 ISO 8601, "2026-01-31 09:00:00"(한국 시간), 또는 1970년부터의 밀리초로 쓰세요.',
    79,
  ),
  USHOT_EXPIRED: row(
    'The message was not sent: the time until which it may be sent has passed ({expireAt}).',
    '발송 제한 시간({expireAt})이 지나 발송하지 않았습니다.',
    75,
  ),
  USHOT_MESSAGE_ID: row(
    '{field} "{value}" cannot be used: it must be 1 to 20 visible ASCII characters without blanks.',
    '{field} "{value}"은(는) 쓸 수 없습니다. 공백 없는 ASCII 문자 1~20자여야 합니다.',
    79,
  ),
  USHOT_ID_FOR_SEVERAL: row(
    'messageId "{messageId}" is given for {count} receivers, but an id names one message. Leave it out, or give each message its own.',
    'messageId "{messageId}" 하나가 받는 번호 {count}개에 지정되었습니다. ID는 메시지마다 달라야 하니 비워 두거나 따로 지정하세요.',
    79,
  ),
  USHOT_MESSAGE_ID_REUSED: row(
    'messageId "{messageId}" was already used for another message. Use a new id, or leave it out.',
    'messageId "{messageId}"는 이미 다른 내용의 메시지에 쓰였습니다. 새 ID를 쓰거나 비워 두세요.',
    74,
  ),
  USHOT_TOO_MANY: row(
    'One input names {count} messages, but at most {limit} are taken at once. Split the list.',
    '한 번에 {limit}건까지 받을 수 있는데 {count}건입니다. 목록을 나누어 넣으세요.',
    79,
  ),

  // Files.
  USHOT_FILE_MISSING: row('The file "{path}" does not exist.', '파일 "{path}"이(가) 없습니다.', 73),
  USHOT_FILE_NOT_REGULAR: row(
    '"{path}" is not a regular file: folders, devices and pipes cannot be sent.',
    '"{path}"은(는) 일반 파일이 아닙니다. 폴더나 장치, 파이프는 보낼 수 없습니다.',
    73,
  ),
  USHOT_FILE_UNREADABLE: row(
    'The file "{path}" cannot be read ({problem}). Check its permissions and the disk.',
    '파일 "{path}"을(를) 읽을 수 없습니다({problem}). 접근 권한과 디스크를 확인하세요.',
    73,
  ),
  USHOT_FILE_OUTSIDE: row(
    'The file "{path}" is outside the folder that this session allows.',
    '파일 "{path}"는 이 세션에서 허용한 폴더 밖에 있습니다.',
    73,
  ),
  USHOT_FILE_EMPTY: row('The file {file} is empty.', '파일 {file}의 내용이 비어 있습니다.', 78),
  USHOT_FILE_UNKNOWN: row(
    'The content of the file {file} is of no known type; UShot takes {allowed}.',
    '파일 {file}의 형식을 알 수 없습니다. UShot이 받는 형식: {allowed}.',
    78,
  ),
  USHOT_FILE_TYPE: row(
    'The file {file} is {found}; UShot takes {allowed}.',
    '파일 {file}은(는) {found}입니다. UShot이 받는 형식: {allowed}.',
    78,
  ),
  USHOT_FILE_TOO_LARGE: row(
    'The file {file} has {bytes} bytes, but at most {limit} are allowed.',
    '파일 {file}은(는) {bytes}바이트입니다. {limit}바이트까지 보낼 수 있습니다.',
    78,
  ),
  USHOT_FILE_DAMAGED: row(
    'The picture {file} ({found}) cannot be read: it is damaged or incomplete.',
    '그림 {file}({found})을(를) 읽을 수 없습니다. 파일이 손상되었거나 일부만 저장된 것 같습니다.',
    78,
  ),
  USHOT_FILE_PIXELS: row(
    'The picture {file} is {width} x {height} pixels, but at most {limit} million pixels are allowed.',
    '그림 {file}의 크기가 {width} x {height} 픽셀입니다. {limit}백만 픽셀까지 보낼 수 있습니다.',
    78,
  ),
  USHOT_FILE_CONVERTER: row(
    'The file {file} ({found}, {bytes} bytes) has to be made into a JPEG of at most {limit} bytes, but the optional library "sharp" cannot be loaded here. Run "npm install sharp" in the folder of Node-RED, or hand over a JPEG that fits.',
    '파일 {file}({found}, {bytes}바이트)을(를) {limit}바이트 이하의 JPEG로 바꿔야 하는데, 선택 설치 라이브러리 "sharp"를 불러올 수 없습니다. Node-RED 폴더에서 "npm install sharp"를 실행하거나 크기에 맞는 JPEG 파일을 넣으세요.',
    78,
  ),
  USHOT_FILE_BUSY: row(
    'The picture {file} was not taken: {waiting} bytes of pictures are waiting to be converted already, and at most {limit} may.',
    '그림 {file}을(를) 받지 않았습니다. 변환을 기다리는 그림이 이미 {waiting}바이트이며 {limit}바이트까지만 기다릴 수 있습니다.',
    79,
  ),
  USHOT_TOO_MANY_FILES: row(
    'The message has {count} files, but at most {limit} are allowed.',
    '첨부 파일이 {count}개입니다. {limit}개까지 보낼 수 있습니다.',
    78,
  ),
  USHOT_UPLOAD_REFUSED: row(
    'The gateway did not take the file ({respCode} {respMesg}).',
    '게이트웨이가 파일을 받지 않았습니다({respCode} {respMesg}).',
    78,
  ),

  USHOT_UPLOAD_TIMEOUT: row(
    'The file was not uploaded within {seconds} seconds: the connection was not free.',
    '{seconds}초 안에 파일을 올리지 못했습니다. 연결이 비지 않았습니다.',
    78,
  ),
  USHOT_ATTACHMENT_LOST: row(
    'The picture {file} of a waiting message is no longer on the disk, or is damaged there; the message was not sent without it.',
    '대기 중인 메시지의 첨부 파일 {file}이(가) 디스크에 없거나 손상되었습니다. 파일 없이 보내지는 않았습니다.',
    73,
  ),

  // What became of the message.
  USHOT_REJECTED: row(
    'The gateway refused the message ({respCode} {respMesg}).',
    '게이트웨이가 메시지를 거부했습니다({respCode} {respMesg}).',
  ),
  USHOT_FAILED: row(
    'The message was not delivered: {description} (result {result}).',
    '메시지가 전달되지 않았습니다: {description} (결과 코드 {result}).',
  ),
  USHOT_NO_REPORT: row(
    'The gateway took the message, but no delivery report came within {hours} hours.',
    '게이트웨이가 메시지를 받았지만 {hours}시간 안에 결과가 오지 않았습니다.',
  ),
  USHOT_CANCELLED: row(
    'The message was cancelled: taken back before it was sent, or discarded while it was on hold.',
    '취소된 메시지입니다. 발송 전에 취소했거나 보류 중에 폐기했습니다.',
    79,
  ),
  USHOT_DUPLICATE: row(
    'Not sent: the same text went to {to} less than {seconds} seconds ago.',
    '보내지 않았습니다. 같은 내용을 {to}(으)로 보낸 지 {seconds}초가 지나지 않았습니다.',
    74,
  ),
  USHOT_COOLDOWN: row(
    'Not sent: this text to {to} is cooling down; it may go again after {seconds} quiet seconds.',
    '보내지 않았습니다. {to}에게 같은 내용이 반복되고 있습니다. {seconds}초 동안 조용해야 다시 보냅니다.',
    74,
  ),
  USHOT_RATE: row(
    'Not sent: the limit of {limit} messages a minute is reached. Is the flow running away?',
    '보내지 않았습니다. 분당 발송 한도 {limit}건에 이르렀습니다. 플로우가 폭주하고 있지 않은지 확인하세요.',
    79,
  ),
  USHOT_DAILY_CAP: row(
    'Not sent: the limit of {limit} messages a day is reached.',
    '보내지 않았습니다. 하루 발송 한도 {limit}건에 이르렀습니다.',
    79,
  ),

  USHOT_NOT_ENCODED: row(
    'The message could not be written as a frame: {detail}.',
    '메시지를 전문으로 만들 수 없습니다: {detail}.',
    78,
  ),
  USHOT_BUG: row(
    'A mistake in this package: please report it. {detail}',
    '이 패키지의 오류입니다. 신고해 주세요. {detail}',
  ),
  USHOT_HELD: row(
    'Message {messageId} went out, but its answer never came and no report either. It is held: decide whether to send it again.',
    '메시지 {messageId}: 보냈지만 응답도 결과도 오지 않아 보류했습니다. 다시 보낼지 정해 주세요.',
  ),

  // The gateway's answers.
  USHOT_ANSWER_INCOMPLETE: row(
    'The gateway answered for all but {count} of {of} messages of a frame; those {count} are in doubt.',
    '게이트웨이 응답에 {of}건 중 {count}건이 빠져 있어 결과를 기다립니다.',
  ),
  USHOT_ANSWER_UNKNOWN: row(
    'The gateway answered for {count} messages that were not in the frame.',
    '게이트웨이가 보내지 않은 메시지 {count}건에 응답했습니다.',
  ),
  USHOT_ACCOUNT_REFUSED: row(
    'The gateway says that the account cannot send now ({respCode} {respMesg}); messages wait.',
    '게이트웨이가 지금은 이 계정으로 보낼 수 없다고 응답해({respCode} {respMesg}) 메시지가 대기합니다.',
  ),
  USHOT_ALL_REFUSED: row(
    'The gateway refused {count} frames in a row; sending pauses for {seconds} seconds. Is the account in order (balance, service)?',
    '게이트웨이가 {count}번 연속으로 거부해 {seconds}초 동안 발송을 멈춥니다. 잔액과 계정 상태를 확인하세요.',
  ),

  // The agent and its store.
  USHOT_NO_SESSION: row(
    'No session: open the node and choose or add a UShot session.',
    '세션이 없습니다. 노드를 열어 UShot 세션을 고르거나 추가하세요.',
    79,
  ),
  USHOT_SETTINGS: row(
    'The session "{session}" cannot be used: {problem}',
    '세션 "{session}"을(를) 쓸 수 없습니다: {problem}',
    79,
  ),
  USHOT_SETTINGS_ENV: row(
    'The session "{session}": {property} is "{value}", but the environment variable is not set.',
    '세션 "{session}"의 {property} 값이 "{value}"인데, 그 환경 변수가 설정되어 있지 않습니다.',
    79,
  ),
  USHOT_SETTINGS_EMPTY: row(
    'The session "{session}" has no {property}: open it and fill it in, or switch to practice mode to try without an account.',
    '세션 "{session}"의 {property} 값이 비어 있습니다. 세션을 열어 입력하거나, 계정 없이 해 보려면 연습 모드로 바꾸세요.',
    79,
  ),
  USHOT_SETTINGS_CREDENTIAL: row(
    'The {property} of the session "{session}" must be at most {limit} visible ASCII characters without blanks.',
    '세션 "{session}"의 {property} 값은 공백 없는 ASCII 문자 {limit}자 이하여야 합니다.',
    79,
  ),
  USHOT_SESSION_CONFLICT: row(
    'Two sessions use the same account on {host} with different settings. Keep one of them ("{first}" is in use, "{second}" is not).',
    '두 세션이 {host}의 같은 계정을 서로 다른 설정으로 쓰고 있습니다. 하나만 남기세요(사용 중: "{first}", 사용 안 함: "{second}").',
    79,
  ),
  USHOT_QUEUE_FULL: row(
    'Not taken: {waiting} messages are waiting already, and at most {limit} may.',
    '받지 않았습니다. 이미 {waiting}건이 대기 중이며 {limit}건까지만 대기할 수 있습니다.',
    79,
  ),
  USHOT_STORE: row(
    'Messages are not taken, since they cannot be kept safely: {problem}.',
    '메시지를 안전하게 보관할 수 없어 받지 않습니다: {problem}.',
    79,
  ),
  USHOT_NODE_GONE: row(
    'The node was removed while its message was on the way. The message itself goes on; its report still comes.',
    '메시지를 보내는 동안 노드가 삭제되었습니다. 메시지는 그대로 처리되고 결과도 옵니다.',
    79,
  ),
  USHOT_STOPPED: row('The session was stopped before this was done.', '끝나기 전에 세션이 중지되었습니다.', 79),

  // The link to the gateway.
  USHOT_LINK_READY: row('{link}: connected and logged in.', '{link}: 연결되고 로그인되었습니다.'),
  USHOT_LINK_DNS: row(
    'The name {host} was not found. Check the host, and the DNS of this machine.',
    '{host} 이름을 찾을 수 없습니다. 호스트 이름과 이 장비의 DNS 설정을 확인하세요.',
  ),
  USHOT_LINK_REFUSED: row(
    '{host}:{port} refused the connection. Check the port and the firewall.',
    '{host}:{port}에서 연결을 거부했습니다. 포트와 방화벽을 확인하세요.',
  ),
  USHOT_LINK_TIMEOUT: row(
    '{host}:{port} did not answer within {seconds} seconds. Check the firewall between here and the gateway.',
    '{host}:{port}에서 {seconds}초 안에 응답이 없습니다. 방화벽을 확인하세요.',
  ),
  USHOT_LINK_LOST: row(
    'The connection to {host}:{port} was lost ({detail}).',
    '{host}:{port} 연결이 끊겼습니다({detail}).',
  ),
  USHOT_LINK_SILENT_CLOSE: row(
    "{host}:{port} closed the connection without answering the login. Most likely this machine's address is not registered: tell your provider the address.",
    '{host}:{port}에서 로그인에 응답하지 않고 연결을 끊었습니다. 이 장비의 IP 주소가 등록되지 않았을 가능성이 큽니다. 업체에 주소를 알려 등록하세요.',
  ),
  USHOT_LINK_LOGIN_REFUSED: row(
    'The gateway refused the login ({respCode} {respMesg}). Check the ID and the password.',
    '게이트웨이가 로그인을 거부했습니다({respCode} {respMesg}). 아이디와 비밀번호를 확인하세요.',
  ),
  USHOT_LINK_PROTOCOL: row(
    '{host}:{port} sent something that is not the UShot protocol: {detail}. Is this the right port?',
    '{host}:{port}에서 UShot 규격에 맞지 않는 데이터를 보냈습니다: {detail}. 포트가 맞는지 확인하세요.',
  ),
  USHOT_LINK_UNEXPECTED: row(
    '{host}:{port} sent command {command}, which does not belong on this port or was not due. Is this the right port?',
    '{host}:{port}에서 이 포트에 맞지 않거나 순서에 어긋난 명령 {command}을(를) 보냈습니다. 포트가 맞는지 확인하세요.',
  ),
  USHOT_LINK_UNREACHABLE: row(
    '{host}:{port} cannot be reached from this machine ({detail}). Check the network and the firewall.',
    '이 장비에서 {host}:{port}에 연결할 수 없습니다({detail}). 네트워크와 방화벽을 확인하세요.',
  ),
  USHOT_LINK_LOCAL_ADDRESS: row(
    'The source address {localAddress} does not belong to this machine, or cannot reach {host}. Correct it, or leave it empty.',
    '출발지 주소 {localAddress}는 이 장비의 주소가 아니거나 {host}에 연결할 수 없는 주소입니다. 고치거나 비워 두세요.',
  ),
  USHOT_LINK_CLOSED: row('{host}:{port} closed the connection.', '{host}:{port}에서 연결을 끊었습니다.'),
  USHOT_LINK_NO_ANSWER: row(
    '{host}:{port} left command {command} unanswered for {seconds} seconds, so the connection was closed.',
    '{host}:{port}에서 명령 {command}에 {seconds}초 동안 응답하지 않아 연결을 끊었습니다.',
  ),
  USHOT_LINK_FLOODED: row(
    '{host}:{port} sent reports faster than they could be stored ({waiting} were waiting), so the connection was closed. The storage of this machine may be too slow.',
    '{host}:{port}에서 저장 속도보다 빠르게 결과를 보내({waiting}건 대기) 연결을 끊었습니다. 이 장비의 저장 장치가 너무 느릴 수 있습니다.',
  ),
  USHOT_LINK_NOT_READY: row(
    'The connection to {host}:{port} is not ready yet.',
    '{host}:{port} 연결이 아직 준비되지 않았습니다.',
  ),

  // Oddities of the gateway that a session survives; each is told once.
  USHOT_NOTICE_VERSION: row(
    '{host}:{port} answers as {found}, but this session speaks {expected}. It goes on; if reports stay away, change "Protocol".',
    '{host}:{port}에서 {found}(으)로 응답하는데 이 세션은 {expected}를 씁니다. 계속 진행하지만, 결과가 오지 않으면 "프로토콜"을 바꾸세요.',
  ),
  USHOT_NOTICE_REPORT_CODE: row(
    '{host}:{port} sent reports with the response code {respCode} {respMesg}. They are stored all the same.',
    '{host}:{port}에서 응답 코드 {respCode} {respMesg}와 함께 결과를 보냈습니다. 결과는 그대로 저장합니다.',
  ),
  USHOT_NOTICE_KEEPALIVE_CODE: row(
    '{host}:{port} answers keep-alives with {respCode} {respMesg}. The connection is kept.',
    '{host}:{port}에서 연결 유지 요청에 {respCode} {respMesg}(으)로 응답합니다. 연결은 유지합니다.',
  ),
  USHOT_NOTICE_KEEPALIVE_ANSWERED: row(
    '{host}:{port} does answer keep-alives: set "Keep-alive answer" to yes.',
    '{host}:{port}에서 연결 유지 요청에 응답합니다. "연결 유지 응답"을 "예"로 바꾸세요.',
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof errors;

export type ErrorParams = Readonly<Record<string, string | number>>;

/** The sentence for `code` in the reader's language, its parameters filled in. */
export function describeError(code: ErrorCode, params: ErrorParams, language: Language): string {
  const value = (name: string) => (language === 'ko' ? params[`${name}Ko`] : undefined) ?? params[name];
  return errors[code][language].replace(/\{(\w+)\}/g, (hole, name: string) => String(value(name) ?? hole));
}

/** An error of the table. `message` is English; `text(language)` gives the reader's. */
export class UshotError extends Error {
  readonly code: ErrorCode;
  readonly params: ErrorParams;
  /** Result code of the manual's table C, where it has one. */
  readonly result: number | undefined;

  constructor(code: ErrorCode, params: ErrorParams = {}, options: { cause?: unknown; result?: number } = {}) {
    super(describeError(code, params, 'en'), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UshotError';
    this.code = code;
    this.params = params;
    const row: ErrorRow = errors[code];
    this.result = options.result ?? row.result;
  }

  text(language: Language): string {
    return describeError(this.code, this.params, language);
  }
}
