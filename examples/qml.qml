import QtQuick 2.15
import QtQuick.Controls 2.15

ApplicationWindow {
    visible: true
    width: 320
    height: 160
    title: "Lines of the standard library"

    Column {
        anchors.centerIn: parent
        spacing: 16

        Button {
            objectName: "button"
            anchors.horizontalCenter: parent.horizontalCenter
            text: "Count"
            onClicked: counter.count()
        }

        Label {
            objectName: "label"
            anchors.horizontalCenter: parent.horizontalCenter
            text: counter.status
        }
    }
}
