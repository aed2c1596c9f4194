import QtQuick 2.15
import QtQuick.Controls 2.15
import QtQuick.Layouts 1.15

ApplicationWindow {
    id: window

    visible: true
    width: 560
    height: 420
    minimumWidth: 360
    minimumHeight: 240
    title: "Find in the standard library"

    // The task of the last search. It is one of QML's own objects, like any that a slot returns.
    property QtObject search: null
    readonly property bool isSearching: search !== null && search.running
    property string status: "Type a regular expression."

    function start() {
        results.clear()
        status = "Searching…"
        const started = finder.find(pattern.text)
        search = started
        // Of a search that another one has replaced, nothing is shown.
        started.finished.connect(count => { if (search === started) status = count + " lines" })
        started.failed.connect(message => { if (search === started) status = message })
        started.cancelled.connect(() => { if (search === started) status = "Cancelled at " + results.count + " lines." })
    }

    Component.onCompleted: finder.found.connect((file, line, text) => {
        results.append({ place: file + ":" + line, line: text })
    })

    ColumnLayout {
        anchors.fill: parent
        anchors.margins: 12
        spacing: 8

        RowLayout {
            spacing: 8

            TextField {
                id: pattern
                objectName: "pattern"
                Layout.fillWidth: true
                focus: true
                selectByMouse: true
                placeholderText: "async def \\w+"
                onAccepted: if (text !== "") window.start()
            }

            Button {
                objectName: "find"
                text: "Find"
                enabled: pattern.text !== ""
                onClicked: window.start()
            }

            Button {
                objectName: "cancel"
                text: "Cancel"
                enabled: window.isSearching
                onClicked: window.search.cancel()
            }
        }

        Frame {
            Layout.fillWidth: true
            Layout.fillHeight: true
            padding: 1

            ListView {
                objectName: "list"
                anchors.fill: parent
                clip: true
                model: ListModel { id: results }
                ScrollBar.vertical: ScrollBar {}

                delegate: RowLayout {
                    width: ListView.view.width
                    spacing: 12

                    Label {
                        Layout.leftMargin: 8
                        Layout.preferredWidth: 160
                        elide: Text.ElideMiddle
                        opacity: 0.7
                        text: model.place
                    }

                    Label {
                        Layout.fillWidth: true
                        Layout.rightMargin: 16
                        elide: Text.ElideRight
                        text: model.line
                    }
                }
            }
        }

        RowLayout {
            Layout.preferredHeight: 24
            spacing: 8

            BusyIndicator {
                objectName: "busy"
                Layout.preferredWidth: 24
                Layout.preferredHeight: 24
                padding: 0
                visible: running
                running: window.isSearching
            }

            Label {
                objectName: "status"
                Layout.fillWidth: true
                elide: Text.ElideRight
                text: window.status
            }
        }
    }
}
